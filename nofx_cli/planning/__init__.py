"""From the text of a plan to a checked `domain.plan.Plan`; parameters, templates, catalogue, graph, reference."""
