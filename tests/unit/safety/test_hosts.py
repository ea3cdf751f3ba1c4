"""Which host an address means, and which rules mean it."""

import pytest

from nofx_cli.domain.policy import Aspect
from nofx_cli.safety.hosts import UnreadableHost, host_fault, host_matches, read_address
from nofx_cli.safety.policy import Permissions
from nofx_cli.testing.levels import level


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "means"),
        [
            ("https://api.example.org/a?b=c@d", "api.example.org:443"),
            ("HTTP://API.Example.ORG", "api.example.org:80"),
            ("https://example.org.:8443/", "example.org:8443"),
            ("localhost:8080", "localhost:8080"),
            ("example.org", "example.org"),
            ("http://127.0.0.1/", "127.0.0.1:80"),
            ("http://[::1]:8080/", "[::1]:8080"),
            ("http://[0:0:0:0:0:0:0:1]/", "[::1]:80"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1:80"),
            ("https://bücher.example/", "xn--bcher-kva.example:443"),
            ("https://a?@b.example", "a:443"),
            ("https://a#@b.example", "a:443"),
        ],
    )
    def test_the_host_that_it_means(self, address: str, means: str) -> None:
        assert str(read_address(address)) == means

    @pytest.mark.parametrize(
        "address",
        [
            "http://good.example@evil.example/",
            "http://good.example:80@evil.example/",
            "http://evil.example\\@good.example/",
            "http://evil.example\\.good.example/",
            "http://good.example%2eevil.example/",
            "http://good.example\t.evil.example/",
            "http://good.example\n/",
            " http://good.example/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.0.256/",
            "http://1.2.3.4.5/",
            "http://[::1%25eth0]/",
            "http://[::1/",
            "http://[::1]evil.example/",
            "http://\uff45xample.org/",
            "http://good\u3002example/",
            "http://exa\u200bmple.org/",
            "http://a..b/",
            "http://-a.example/",
            "http://a:b/",
            "http://a:80:80/",
            "http://a:0/",
            "http://a:65536/",
            "http:///path",
            "//example.org/",
            "http:/example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "",
        ],
    )
    def test_what_may_mean_two_hosts_or_none_is_refused(self, address: str) -> None:
        with pytest.raises(UnreadableHost):
            read_address(address)
        assert host_fault(address)
        assert not host_matches(address, "*")


class TestRules:
    @pytest.mark.parametrize(
        ("address", "pattern"),
        [
            ("https://example.org/", "example.org"),
            ("https://example.org/", "EXAMPLE.org."),
            ("https://example.org/", "example.org:443"),
            ("https://example.org:8443/", "example.org"),
            ("https://a.example.org/", "*.example.org"),
            ("https://a.b.example.org./", "*.example.org"),
            ("https://xn--bcher-kva.example/", "bücher.example"),
            ("http://[0::1]:80/", "[::1]:80"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
            ("https://anything.example", "*"),
            ("https://anything.example", "*:443"),
        ],
    )
    def test_what_a_rule_means(self, address: str, pattern: str) -> None:
        assert host_matches(address, pattern)

    @pytest.mark.parametrize(
        ("address", "pattern"),
        [
            ("https://example.org/", "*.example.org"),
            ("https://evilexample.org/", "*.example.org"),
            ("https://evilexample.org/", "example.org"),
            ("https://example.org.evil.example/", "example.org"),
            ("https://example.org.evil.example/", "*.example.org"),
            ("https://a.example.org/", "example.org"),
            ("https://example.org/", "example.org:8443"),
            ("http://example.org/", "*:443"),
            ("http://10.0.0.1/", "*.0.0.1"),
            ("http://example.org/", "http://example.org"),
            ("https://exampleXorg/", "example.org"),
        ],
    )
    def test_what_it_does_not_mean(self, address: str, pattern: str) -> None:
        assert not host_matches(address, pattern)

    @pytest.mark.parametrize(
        "pattern", ["", "*.", "*.127.0.0.1", "a b", "user@host", "127.1", "**", "a*.example", "x:0"]
    )
    def test_a_rule_that_cannot_be_read_is_told(self, pattern: str) -> None:
        assert host_fault(pattern, pattern=True)

    @pytest.mark.parametrize("pattern", ["*", "*:80", "*.example.org", "example.org:1", "[::1]:80", "127.0.0.1"])
    def test_a_rule_that_can_be_read_has_no_fault(self, pattern: str) -> None:
        assert not host_fault(pattern, pattern=True)


class TestPermissions:
    def test_an_address_that_cannot_be_read_is_denied_where_only_something_else_is_denied(self) -> None:
        permissions = Permissions("fetch", [("project", level(Aspect.HOSTS, deny=["evil.example"]))])

        assert permissions.check_host("https://good.example/") is None
        for address in ("http://evil.example/", "http://good.example@evil.example/", "http://0x7f.1/"):
            assert permissions.check_host(address) is not None

    def test_a_rule_that_cannot_be_read_denies_every_host(self) -> None:
        permissions = Permissions("fetch", [("project", level(Aspect.HOSTS, deny=["evil example"], source="a:3"))])

        denial = permissions.check_host("https://good.example/")

        assert denial is not None
        assert denial.source == "a:3"
        assert "space" in denial.message

    def test_without_rules_every_address_will_do(self) -> None:
        assert Permissions("fetch", []).check_host("http://2130706433/") is None
