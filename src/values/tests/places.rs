//! Hosts, addresses, URLs and paths: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::Grammar;
use crate::values::{host, network, path, url};

#[test]
fn host() {
    good::<host::HostName>(&[
        ("bank", "bank"),
        ("checkout.pay.bank", "checkout.pay.bank"),
        ("*.pay.bank", "*.pay.bank"),
        ("a1-b.c", "a1-b.c"),
    ]);
    let refused = bad::<host::HostName>(&[
        "",
        "https://bank/x",
        "bank:443",
        "bank/x",
        "10.0.0.1",
        "Bank.Example",
        "*bank",
        "a.*.bank",
        "bank.",
        "my_app.bank",
        "a..b",
        ".bank",
        "bank.123",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.bank",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the name of a host: it is empty; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    `https://bank/x` is not the name of a host: it is a URL; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => bank
    `bank:443` is not the name of a host: it has a port; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => bank
    `bank/x` is not the name of a host: it has a path; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => bank
    `10.0.0.1` is not the name of a host: it is an IP address; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    `Bank.Example` is not the name of a host: `B` is not allowed; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => bank.example
    `*bank` is not the name of a host: a `*` may only stand for the first part; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => *.bank
    `a.*.bank` is not the name of a host: a `*` may only stand for the first part; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    `bank.` is not the name of a host: it has an empty part beside a `.`; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => bank
    `my_app.bank` is not the name of a host: `_` is not allowed; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => my-app.bank
    `a..b` is not the name of a host: it has an empty part beside a `.`; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    `.bank` is not the name of a host: it has an empty part beside a `.`; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank" => *.bank
    `bank.123` is not the name of a host: its last part is a number; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.bank` is not the name of a host: a part of it has more than 63 characters; use lower-case letters, digits, `-` and `.`, with `*.` in front for all below, for example "checkout.pay.bank"
    "#);
    round_trip::<host::HostName>("(\\*\\.)?[a-z0-9-]{1,8}(\\.[a-z0-9-]{1,8}){0,3}");
}

#[test]
fn host_port() {
    good::<host::HostPort>(&[
        ("harbor.bank", "harbor.bank"),
        ("harbor.bank:8443", "harbor.bank:8443"),
        ("localhost:5000", "localhost:5000"),
    ]);
    let refused = bad::<host::HostPort>(&[
        "harbor.bank:0",
        "https://harbor.bank",
        "harbor.bank/x",
        "Harbor.bank:80",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `harbor.bank:0` is not a host with an optional port: what follows the `:` is not a port; write the name of a host, then `:` and a port if it is not usual, for example "harbor.bank:8443"
    `https://harbor.bank` is not a host with an optional port: it is a URL; write the name of a host, then `:` and a port if it is not usual, for example "harbor.bank:8443" => harbor.bank
    `harbor.bank/x` is not a host with an optional port: it has a path; write the name of a host, then `:` and a port if it is not usual, for example "harbor.bank:8443" => harbor.bank
    `Harbor.bank:80` is not a host with an optional port: `H` is not allowed; write the name of a host, then `:` and a port if it is not usual, for example "harbor.bank:8443" => harbor.bank:80
    "#);
    round_trip::<host::HostPort>("[a-z.]{1,12}(:[0-9]{1,5})?");
}

#[test]
fn cidr() {
    good::<network::Cidr>(&[
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
    ]);
    let refused = bad::<network::Cidr>(&[
        "10.20.0.1/16",
        "10.20.0.1",
        "10.20.0.0/33",
        "10.20/16",
        "",
        "all",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `10.20.0.1/16` is not a range of addresses: the range starts at 10.20.0.0, the rest is an address in it; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16" => 10.20.0.0/16
    `10.20.0.1` is not a range of addresses: the length of the prefix is missing; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16" => 10.20.0.1/32
    `10.20.0.0/33` is not a range of addresses: it has no valid address and prefix; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16"
    `10.20/16` is not a range of addresses: it has no valid address and prefix; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16"
    `` is not a range of addresses: it has no valid address and prefix; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16"
    `all` is not a range of addresses: it has no valid address and prefix; write the first address, `/` and the length of the prefix, for example "10.20.0.0/16"
    "#);
    round_trip::<network::Cidr>("[0-9]{1,3}\\.[0-9]{1,3}\\.0\\.0/(8|16|24)");
}

#[test]
fn ip() {
    good::<network::IpAddress>(&[
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("2001:DB8::1", "2001:db8::1"),
    ]);
    let refused = bad::<network::IpAddress>(&[
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "10.0.0.1/32",
        "[::1]",
        "",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `10.0.0` is not an IP address: its parts are not those of an address; write an IPv4 or IPv6 address, for example "10.20.0.1"
    `10.0.0.256` is not an IP address: its parts are not those of an address; write an IPv4 or IPv6 address, for example "10.20.0.1"
    `10.0.0.01` is not an IP address: its parts are not those of an address; write an IPv4 or IPv6 address, for example "10.20.0.1" => 10.0.0.1
    `10.0.0.1/32` is not an IP address: it is a range; write an IPv4 or IPv6 address, for example "10.20.0.1" => 10.0.0.1
    `[::1]` is not an IP address: its parts are not those of an address; write an IPv4 or IPv6 address, for example "10.20.0.1" => ::1
    `` is not an IP address: it is empty; write an IPv4 or IPv6 address, for example "10.20.0.1"
    "#);
    round_trip::<network::IpAddress>("[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");
}

#[test]
fn url() {
    good::<url::Url>(&[
        ("https://bank", "https://bank"),
        (
            "https://wiki.bank/checkout?a=b#c",
            "https://wiki.bank/checkout?a=b#c",
        ),
        ("http://localhost:8080/", "http://localhost:8080/"),
    ]);
    let refused = bad::<url::Url>(&[
        "bank",
        "wiki.bank/x",
        "ftp://bank/x",
        "https://",
        "https://ana:pw@bank/",
        "https://ana@bank",
        "https://bank:99999/",
        "https://a b/",
        "javascript:alert(1)",
        "HTTPS://bank",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `bank` is not a URL: `https://` is missing in front; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `wiki.bank/x` is not a URL: `https://` is missing in front; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout" => https://wiki.bank/x
    `ftp://bank/x` is not a URL: only `https` or `http` can be in front of `://`; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `https://` is not a URL: the host is missing; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `https://ana:pw@bank/` is not a URL: it has a password in it, which belongs into a secret; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `https://ana@bank` is not a URL: it has a user in it; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `https://bank:99999/` is not a URL: its host or port is not valid; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `https://a b/` is not a URL: a space is not allowed; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `javascript:alert(1)` is not a URL: `https://` is missing in front; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout"
    `HTTPS://bank` is not a URL: only `https` or `http` can be in front of `://`; write `https://`, a host and a path, without a user or password, for example "https://wiki.bank/checkout" => https://bank
    "#);
    round_trip::<url::Url>(
        "https?://[a-z]{1,8}(\\.[a-z]{1,5})?(:[0-9]{2,4})?(/[a-z%&=?#.]{0,8}){0,3}",
    );
}

#[test]
fn git_url() {
    good::<url::GitUrl>(&[
        (
            "https://git.bank/payments/checkout",
            "https://git.bank/payments/checkout",
        ),
        (
            "ssh://git@git.bank/payments/checkout.git",
            "ssh://git@git.bank/payments/checkout.git",
        ),
        ("https://git.bank/a/", "https://git.bank/a"),
    ]);
    let refused = bad::<url::GitUrl>(&[
        "git@git.bank:payments/checkout.git",
        "https://git.bank",
        "https://ana:pw@git.bank/a",
        "https://token@git.bank/a",
        "file:///srv/repo",
        "git.bank/a",
        "https://git.bank/a?b",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `git@git.bank:payments/checkout.git` is not the URL of a Git repository: `https://` is missing in front; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout" => ssh://git@git.bank/payments/checkout.git
    `https://git.bank` is not the URL of a Git repository: the path of the repository is missing; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout"
    `https://ana:pw@git.bank/a` is not the URL of a Git repository: it has a password in it, which belongs into a secret; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout"
    `https://token@git.bank/a` is not the URL of a Git repository: it has a user in it; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout"
    `file:///srv/repo` is not the URL of a Git repository: only `https` or `ssh` or `http` can be in front of `://`; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout"
    `git.bank/a` is not the URL of a Git repository: `https://` is missing in front; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout" => https://git.bank/a
    `https://git.bank/a?b` is not the URL of a Git repository: it has a query or a fragment; write `https://` or `ssh://`, a host and a path, for example "https://git.bank/payments/checkout"
    "#);
    round_trip::<url::GitUrl>("(https|ssh|http)://[a-z]{1,8}(/[a-z.]{1,8}){1,3}");
}

#[test]
fn email() {
    good::<url::Email>(&[
        ("payments@bank", "payments@bank"),
        ("ana.lee+x@pay.bank", "ana.lee+x@pay.bank"),
        ("ana@Bank", "ana@bank"),
    ]);
    let refused = bad::<url::Email>(&[
        "payments",
        "@bank",
        "ana@",
        "Ana Lee <ana@bank>",
        "a..b@bank",
        "ana at bank",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `payments` is not an address of mail: there is no `@` in it; write a mailbox, `@` and a host, for example "payments@bank"
    `@bank` is not an address of mail: what is before the `@` is not a mailbox; write a mailbox, `@` and a host, for example "payments@bank"
    `ana@` is not an address of mail: what is after the `@` is not a host; write a mailbox, `@` and a host, for example "payments@bank"
    `Ana Lee <ana@bank>` is not an address of mail: what is before the `@` is not a mailbox; write a mailbox, `@` and a host, for example "payments@bank" => ana@bank
    `a..b@bank` is not an address of mail: what is before the `@` is not a mailbox; write a mailbox, `@` and a host, for example "payments@bank"
    `ana at bank` is not an address of mail: there is no `@` in it; write a mailbox, `@` and a host, for example "payments@bank" => ana@bank
    "#);
    round_trip::<url::Email>("[a-z.+]{1,8}@[a-zA-Z.]{1,8}");
}

#[test]
fn absolute_path() {
    good::<path::AbsolutePath>(&[("/", "/"), ("/var/cache", "/var/cache"), ("/a b", "/a b")]);
    let refused = bad::<path::AbsolutePath>(&[
        "var/cache",
        "/var//cache",
        "/var/cache/",
        "/var/../etc",
        "/a:b",
        "",
        "C:\\temp",
        "/a/./b",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `var/cache` is not a path in a container: it does not start with `/`; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache" => /var/cache
    `/var//cache` is not a path in a container: it has an empty part beside a `/`; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache" => /var/cache
    `/var/cache/` is not a path in a container: it ends with `/`; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache" => /var/cache
    `/var/../etc` is not a path in a container: it has a `..` in it; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache"
    `/a:b` is not a path in a container: it has a `:`; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache"
    `` is not a path in a container: it is empty; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache"
    `C:\\temp` is not a path in a container: it has a backslash; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache"
    `/a/./b` is not a path in a container: it has a `.` in it; start with `/`, without `..`, `:` or a `/` at the end, for example "/var/cache" => /a/b
    "#);
    round_trip::<path::AbsolutePath>("(/[a-z. ]{1,5}){1,4}");
}

#[test]
fn url_path() {
    good::<path::UrlPath>(&[
        ("/", "/"),
        ("/api", "/api"),
        ("/api/", "/api/"),
        ("/a%20b", "/a%20b"),
    ]);
    let refused = bad::<path::UrlPath>(&[
        "api",
        "/a b",
        "/a?b=1",
        "/a#b",
        "//",
        "/a//b",
        "/a/../b",
        "/a%2",
        "",
        "https://bank/api/x",
        "/é",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `api` is not the path of a URL: it does not start with `/`; start with `/`, without a query or `..`, for example "/api" => /api
    `/a b` is not the path of a URL: a space must be written with `%`; start with `/`, without a query or `..`, for example "/api" => /a%20b
    `/a?b=1` is not the path of a URL: it has a query; start with `/`, without a query or `..`, for example "/api" => /a
    `/a#b` is not the path of a URL: it has a fragment; start with `/`, without a query or `..`, for example "/api" => /a
    `//` is not the path of a URL: it has an empty part beside a `/`; start with `/`, without a query or `..`, for example "/api" => /
    `/a//b` is not the path of a URL: it has an empty part beside a `/`; start with `/`, without a query or `..`, for example "/api" => /a/b
    `/a/../b` is not the path of a URL: it has a `..` in it; start with `/`, without a query or `..`, for example "/api"
    `/a%2` is not the path of a URL: two hexadecimal digits are missing after a `%`; start with `/`, without a query or `..`, for example "/api"
    `` is not the path of a URL: it is empty; start with `/`, without a query or `..`, for example "/api" => /
    `https://bank/api/x` is not the path of a URL: it does not start with `/`; start with `/`, without a query or `..`, for example "/api" => /api/x
    `/é` is not the path of a URL: `é` must be written with `%`; start with `/`, without a query or `..`, for example "/api"
    "#);
    round_trip::<path::UrlPath>("(/[a-z%0-9.]{1,5}){1,4}/?");
}

#[test]
fn relative_path() {
    good::<path::RelativePath>(&[("files/checkout.toml", "files/checkout.toml"), ("a", "a")]);
    let refused =
        bad::<path::RelativePath>(&["./files/x", "/etc/passwd", "../x", "a//b", "a/", "a\\b", ""]);
    insta::assert_snapshot!(refused, @r#"
    `./files/x` is not a path in the repository: it has a `.` in it; write it without `/` in front and without `..`, for example "files/checkout.toml" => files/x
    `/etc/passwd` is not a path in the repository: it is absolute; write it without `/` in front and without `..`, for example "files/checkout.toml" => etc/passwd
    `../x` is not a path in the repository: it has a `..` in it; write it without `/` in front and without `..`, for example "files/checkout.toml"
    `a//b` is not a path in the repository: it has an empty part beside a `/`; write it without `/` in front and without `..`, for example "files/checkout.toml" => a/b
    `a/` is not a path in the repository: it has an empty part beside a `/`; write it without `/` in front and without `..`, for example "files/checkout.toml" => a
    `a\\b` is not a path in the repository: it has a backslash; write it without `/` in front and without `..`, for example "files/checkout.toml" => a/b
    `` is not a path in the repository: it is empty; write it without `/` in front and without `..`, for example "files/checkout.toml"
    "#);
    round_trip::<path::RelativePath>("[a-z.]{1,5}(/[a-z.]{1,5}){0,4}");
}

#[test]
fn relative_glob() {
    good::<path::RelativeGlob>(&[
        ("tenants/**/*.kdl", "tenants/**/*.kdl"),
        ("a", "a"),
        ("{a,b}/[ab].kdl", "{a,b}/[ab].kdl"),
    ]);
    let refused =
        bad::<path::RelativeGlob>(&["../**", "/tenants/*.kdl", "./a/*", "[a", "{a", "a/{..,b}"]);
    insta::assert_snapshot!(refused, @r#"
    `../**` is not a pattern of paths in the repository: it has a `..` in it; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl"
    `/tenants/*.kdl` is not a pattern of paths in the repository: it is absolute; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl" => tenants/*.kdl
    `./a/*` is not a pattern of paths in the repository: it has a `.` in it; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl" => a/*
    `[a` is not a pattern of paths in the repository: a bracket in it is not closed; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl"
    `{a` is not a pattern of paths in the repository: a bracket in it is not closed; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl"
    `a/{..,b}` is not a pattern of paths in the repository: it has a `..` in it; write a path where `*` stands for any name and `**` for any directories, for example "tenants/**/*.kdl"
    "#);
    round_trip::<path::RelativeGlob>("[a-z*?]{1,5}(/[a-z*?]{1,5}){0,4}");
}

#[test]
fn secret_source() {
    good::<path::SecretSource>(&[
        ("vault:kv/payments/checkout", "vault:kv/payments/checkout"),
        ("vault:a:b", "vault:a:b"),
    ]);
    let refused = bad::<path::SecretSource>(&[
        "kv/payments",
        "vault:",
        "Vault:kv/a",
        "vault:/kv/a",
        "vault:../a",
        "vault://kv/a",
        "vault:a b",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `kv/payments` is not the source of a secret: there is no `:` in it; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout"
    `vault:` is not the source of a secret: in the path, it is empty; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout"
    `Vault:kv/a` is not the source of a secret: what is before the `:` is not a name; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout" => vault:kv/a
    `vault:/kv/a` is not the source of a secret: in the path, it is absolute; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout" => vault:kv/a
    `vault:../a` is not the source of a secret: in the path, it has a `..` in it; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout"
    `vault://kv/a` is not the source of a secret: in the path, it is absolute; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout" => vault:kv/a
    `vault:a b` is not the source of a secret: the path has a space in it; write the name of a secret store, `:` and a path in it, for example "vault:kv/payments/checkout"
    "#);
    round_trip::<path::SecretSource>("[a-z-]{1,8}:[a-z.:]{1,5}(/[a-z.]{1,5}){0,3}");
}

#[test]
fn a_host_covers_others() {
    let covers = |a, b| {
        host::HostName::parse(a)
            .unwrap()
            .covers(&host::HostName::parse(b).unwrap())
    };
    assert!(covers("*.pay.bank", "checkout.pay.bank"));
    assert!(covers("*.pay.bank", "a.b.pay.bank"));
    assert!(covers("*.pay.bank", "*.pay.bank"));
    assert!(covers("*.bank", "*.pay.bank"));
    assert!(covers("pay.bank", "pay.bank"));
    assert!(!covers("*.pay.bank", "pay.bank"));
    assert!(!covers("*.pay.bank", "xpay.bank"));
    assert!(!covers("*.pay.bank", "*.bank"));
    assert!(!covers("a.pay.bank", "*.pay.bank"));
    let host = host::HostName::parse("*.pay.bank").unwrap();
    assert_eq!((host.is_wildcard(), host.domain()), (true, "pay.bank"));
    let mirror = host::HostPort::parse("harbor.bank:8443").unwrap();
    assert_eq!(
        (
            mirror.host().as_str(),
            mirror.port().map(network::Port::number)
        ),
        ("harbor.bank", Some(8443))
    );
}

#[test]
fn a_range_contains_addresses() {
    let range = network::Cidr::parse("10.20.0.0/16").unwrap();
    let inside = |text| range.contains(network::IpAddress::parse(text).unwrap());
    assert!(inside("10.20.255.1") && !inside("10.21.0.1") && !inside("::1"));
}

#[test]
fn a_directory_covers_what_is_in_it() {
    let covers = |a, b| {
        path::AbsolutePath::parse(a)
            .unwrap()
            .covers(&path::AbsolutePath::parse(b).unwrap())
    };
    assert!(covers("/var", "/var/cache") && covers("/", "/var") && covers("/var", "/var"));
    assert!(!covers("/var", "/variable") && !covers("/var/cache", "/var"));
}

#[test]
fn a_pattern_matches_paths() {
    let matches = |glob, path| {
        path::RelativeGlob::parse(glob)
            .unwrap()
            .matcher()
            .is_match(path)
    };
    assert!(matches("tenants/**/*.kdl", "tenants/payments/checkout.kdl"));
    assert!(matches("tenants/**/*.kdl", "tenants/a.kdl"));
    assert!(
        !matches("tenants/*.kdl", "tenants/payments/checkout.kdl"),
        "`*` stops at `/`"
    );
    assert!(!matches("tenants/**", "platform/a.kdl"));
}

#[test]
fn parts_are_told_apart() {
    let source = path::SecretSource::parse("vault:kv/payments:1").unwrap();
    assert_eq!(
        (source.store().as_str(), source.path()),
        ("vault", "kv/payments:1")
    );
    let page = url::Url::parse("https://wiki.bank:8443/x").unwrap();
    assert_eq!(
        (page.host().as_str(), page.is_encrypted()),
        ("wiki.bank", true)
    );
    assert!(url::GitUrl::parse("ssh://git@git.bank/a").unwrap().is_ssh());
}
