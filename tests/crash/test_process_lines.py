"""What a process reads from a file, and what is made of its lines for the log."""

from pathlib import Path

import pytest

from nofx_cli.domain.policy import Sandbox
from nofx_cli.safety.output_lines import LONGEST_LINE
from tests.acceptance.shut_in import ALL_MEANS, ShutIn, means_named
from tests.crash.process_bench import Bench


def upper(line: str, of_stderr: bool) -> str:
    return f"{'err' if of_stderr else 'out'}: {line.upper()}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestStdin:
    def test_a_file_is_what_it_reads(self, bench: Bench) -> None:
        bench.folder.joinpath("prompt").write_text("mend it\nall of it")

        assert bench.sh("cat", stdin=bench.folder / "prompt", capture_limit=100).stdout == "mend it\nall of it"

    def test_without_one_there_is_nothing_to_read(self, bench: Bench) -> None:
        assert bench.sh("cat; echo end", capture_limit=100).stdout == "end\n"

    @pytest.mark.parametrize("means", list(ALL_MEANS))
    def test_who_is_shut_in_reads_it_too(self, tmp_path: Path, means: str) -> None:
        shut = ShutIn(tmp_path, means_named(means))
        prompt = shut.scratch / "prompt"
        prompt.write_text("mend it")

        result = shut.sh_in("cat", Sandbox(network=False), stdin=prompt, capture_limit=100)

        assert result.stdout == "mend it"


class TestShownLines:
    def test_the_log_has_what_is_made_of_each_line_and_the_capture_what_came(self, bench: Bench) -> None:
        result = bench.sh("echo one; echo; printf 'two\\r\\nthree'", show=upper, capture_limit=100)

        assert bench.log.read_text() == "out: ONE\nout: \nout: TWO\nout: THREE\n"
        assert result.last_line == "out: THREE"
        assert result.stdout == "one\n\ntwo\r\nthree"

    def test_it_is_told_which_stream_it_was(self, bench: Bench) -> None:
        bench.sh("echo bad >&2", show=upper)

        assert bench.log.read_text() == "err: BAD\n"

    def test_what_becomes_nothing_is_not_in_the_log(self, bench: Bench) -> None:
        bench.sh("echo one; echo two", show=lambda line, of_stderr: "" if line == "one" else line)

        assert bench.log.read_text() == "two\n"

    def test_a_line_that_comes_in_pieces_is_one_line(self, bench: Bench) -> None:
        bench.sh("printf a; sleep 0.05; printf b; sleep 0.05; echo c", show=upper)

        assert bench.log.read_text() == "out: ABC\n"

    def test_of_a_line_that_is_too_long_only_its_length_is_told(self, bench: Bench) -> None:
        bench.sh(f"head -c {LONGEST_LINE + 1} /dev/zero; echo; echo on", show=upper)

        assert bench.log.read_text() == f"[nofx: a line of {LONGEST_LINE + 1} bytes was left out]\nout: ON\n"

    def test_a_secret_that_only_the_reader_spells_out_is_masked(self, tmp_path: Path) -> None:
        secret = "sword" + "fish-9731"
        bench = Bench(tmp_path, secrets=(secret,))

        bench.sh(f"echo '{secret[::-1]}'", show=lambda line, of_stderr: line[::-1])

        assert bench.log.read_text() == "***\n"
