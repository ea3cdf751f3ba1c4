"""What gates found, in the formats that other programs read. Pure: from reports of gates to text."""
