import base64
import hashlib
import json
import timeit
from concurrent.futures import ThreadPoolExecutor

import pytest

from nofx_cli.domain.ids import JsonValue
from nofx_cli.safety.masking import Masker

SECRET = 'pa"ss\\wörd\n'
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n"


class TestText:
    @pytest.mark.parametrize(
        ("values", "text", "masked"),
        [
            (["swordfish"], "a swordfish, swordfishes", "a ***, ***es"),
            (["swordfish"], "swordfishswordfish", "******"),
            (["swordfish", "swordfish-2"], "swordfish-2", "***"),
            (["abcdefgh", "efghijkl"], "xabcdefghijklx", "x***x"),  # no rest of the second one is left
            (["aaaaaa"], "aaaaaaaaab", "***b"),
            (["short", ""], "short", "short"),
            (["  swordfish\n"], "swordfish", "***"),
            ([PEM], "key: MIIEvQIBADANBgkqhkiG, short", "key: ***, short"),
            ([PEM], f"<{PEM}>", "<***\n>"),
        ],
    )
    def test_every_occurrence_is_replaced(self, values: list[str], text: str, masked: str) -> None:
        assert Masker(values).text(text) == masked

    @pytest.mark.parametrize("ascii_only", [True, False])
    def test_text_that_is_json_already(self, ascii_only: bool) -> None:
        text = json.dumps({"line": f"<{SECRET.strip()}>"}, ensure_ascii=ascii_only)

        assert Masker([SECRET]).text(text) == '{"line": "<***>"}'

    def test_a_value_with_bytes_that_are_no_text(self) -> None:
        value = b"abc\xffdef".decode("utf-8", "surrogateescape")

        assert Masker([value]).stream().feed(b"<abc\xffdef>") == b"<***>"

    @pytest.mark.parametrize("patterns", [True, False])
    def test_without_values_nothing_is_touched(self, patterns: bool) -> None:
        masker = Masker(["short"], patterns=patterns)
        text, chunk = "text", b"chunk"

        assert masker.active is patterns
        assert masker.text(text) is text
        assert masker.stream().feed(chunk) is chunk

    @pytest.mark.parametrize("word", ["failed", "succeeded", "cancel", "worker"])
    def test_the_words_of_nofx_itself_stay(self, word: str) -> None:
        text = "the run succeeded, failed or was cancelled by a worker"

        assert Masker([word]).text(text) == text

    def test_text_with_what_is_no_character(self) -> None:
        assert Masker(["swordfish"]).text("\ud800 swordfish \udc80") == "\ud800 *** \udc80"

    def test_its_repr_does_not_tell(self) -> None:
        masker = Masker(["swordfish"])

        assert masker.active
        assert "swordfish" not in repr(masker) + repr(masker.stream())


def test_data_is_walked_with_its_keys() -> None:
    data: dict[str, JsonValue] = {"a swordfish": ["swordfish", 1, None, True, {"x": ("swordfish", 2.5)}]}

    assert Masker(["swordfish"]).data(data) == {"a ***": ["***", 1, None, True, {"x": ("***", 2.5)}]}
    assert list(data) == ["a swordfish"]


class TestStream:
    def test_a_secret_is_found_at_every_split(self) -> None:
        whole = "héllo swordfish, swordfishswordfish swordfis swordfish".encode()
        masked = Masker(["swordfish"]).text(whole.decode()).encode()

        for first in range(len(whole)):
            for second in range(first, len(whole)):
                stream = Masker(["swordfish"]).stream()
                pieces = [stream.feed(p) for p in (whole[:first], whole[first:second], whole[second:])]
                assert b"".join([*pieces, stream.flush()]) == masked

    def test_it_holds_back_no_more_than_may_be_a_secret(self) -> None:
        stream = Masker(["swordfish"]).stream()

        assert stream.feed(b"a line\n") == b"a line\n"
        assert stream.feed(b"sword") == b""
        assert stream.feed(b"-play") == b"sword-play"
        assert stream.flush() == b""

    def test_a_run_of_overlaps_is_one_however_long(self) -> None:
        stream = Masker(["aaaaaa"]).stream()

        assert b"".join(stream.feed(b"a" * 1000) for _ in range(50)) + stream.flush() == b"***"


class TestLearning:
    def test_what_is_learned_is_masked_from_then_on(self) -> None:
        masker = Masker([])
        before = masker.stream()
        masker.learn(["swordfish", "short", "failed"])
        masker.learn(["trombone"])

        assert masker.text("swordfish, short, failed, trombone") == "***, short, failed, ***"
        assert masker.stream().feed(b"swordfish\n") == b"***\n"
        assert before.feed(b"swordfish\n") == b"swordfish\n"
        assert repr(masker) == "Masker(2 values)"

    def test_one_that_knows_what_all_others_know(self) -> None:
        masker, other = Masker(["swordfish"]), Masker()
        other.learn(["trombone"])

        assert Masker.of_this_process().text("swordfish trombone") == "*** ***"
        assert masker.text("trombone") == "trombone"

    def test_many_threads_learn_and_mask(self) -> None:
        masker = Masker([])
        values = [f"swordfish-{number:03}" for number in range(64)]

        def learn(value: str) -> str:
            masker.learn([value])
            return masker.text(value)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(learn, values)) == {"***"}
        assert masker.text(" ".join(values)) == " ".join(["***"] * 64)


class TestMany:
    def test_fifty_values_cost_little_more_than_one(self) -> None:
        values = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(50)]
        line = json.dumps({"type": "step.finished", "data": {"status": "succeeded", "took": [412] * 40}})
        few, many = Masker(values[:1]), Masker(values)
        assert many.text(f"{line} {values[49]}") == f"{line} ***"

        def cost(masker: Masker) -> float:
            masker.text(line)
            return min(timeit.repeat(lambda: masker.text(line), number=500, repeat=7))

        assert cost(many) < 4 * cost(few)


LONG = "Zq9-Vw3+Lm7=Xk2/Rt5.Bn8"


class TestWhatWasCutBefore:
    """Messages are shortened where they are made; what is left of a secret is no value that anybody knows."""

    @pytest.mark.parametrize("form", [LONG, base64.b64encode(LONG.encode()).decode(), LONG.encode().hex()])
    def test_the_beginning_of_a_secret_is_masked_where_a_text_was_cut_in_it(self, form: str) -> None:
        masker = Masker([LONG])
        for length in range(6, len(form)):
            assert masker.text(f"may not run `curl {form[:length]}…`: denied") == "may not run `curl ***…`: denied"
            assert masker.text(json.dumps(f"{form[:length]}…")) == '"***\\u2026"'

    def test_a_word_that_only_begins_like_one_stays(self) -> None:
        masker = Masker([LONG])
        for text in (f"{LONG[:5]}…", f"{LONG[:9]} …", f"{LONG[:9]}", "…", f"…{LONG[:9]}"):
            assert masker.text(text) == text

    def test_a_text_full_of_such_signs_costs_no_more_than_others(self) -> None:
        text = "abc…" * 100_000
        masker = Masker([LONG * 20])
        assert timeit.timeit(lambda: masker.text(text), number=1) < 2
