//! Hosts, addresses, URLs and paths: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::{host, network, path, url};

#[test]
fn host() {
good::<host::HostName>(&[("bank", "bank"), ("checkout.pay.bank", "checkout.pay.bank"), ("*.pay.bank", "*.pay.bank"), ("a1-b.c", "a1-b.c")]);
let lines = bad::<host::HostName>(&["", "https://bank/x", "bank:443", "bank/x", "10.0.0.1", "Bank.Example", "*bank", "a.*.bank", "bank.", "my_app.bank", "a..b", ".bank", "bank.123", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.bank"]);
println!("@@BEGIN host\n{lines}@@END");
round_trip::<host::HostName>("(\\*\\.)?[a-z0-9-]{1,8}(\\.[a-z0-9-]{1,8}){0,3}");
}

#[test]
fn host_port() {
good::<host::HostPort>(&[("harbor.bank", "harbor.bank"), ("harbor.bank:8443", "harbor.bank:8443"), ("localhost:5000", "localhost:5000")]);
let lines = bad::<host::HostPort>(&["harbor.bank:0", "https://harbor.bank", "harbor.bank/x", "Harbor.bank:80"]);
println!("@@BEGIN host_port\n{lines}@@END");
round_trip::<host::HostPort>("[a-z.]{1,12}(:[0-9]{1,5})?");
}

#[test]
fn cidr() {
good::<network::Cidr>(&[("10.20.0.0/16", "10.20.0.0/16"), ("0.0.0.0/0", "0.0.0.0/0"), ("2001:db8::/32", "2001:db8::/32"), ("2001:DB8:0::/32", "2001:db8::/32")]);
let lines = bad::<network::Cidr>(&["10.20.0.1/16", "10.20.0.1", "10.20.0.0/33", "10.20/16", "", "all"]);
println!("@@BEGIN cidr\n{lines}@@END");
round_trip::<network::Cidr>("[0-9]{1,3}\\.[0-9]{1,3}\\.0\\.0/(8|16|24)");
}

#[test]
fn ip() {
good::<network::IpAddress>(&[("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1")]);
let lines = bad::<network::IpAddress>(&["10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1/32", "[::1]", ""]);
println!("@@BEGIN ip\n{lines}@@END");
round_trip::<network::IpAddress>("[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");
}

#[test]
fn url() {
good::<url::Url>(&[("https://bank", "https://bank"), ("https://wiki.bank/checkout?a=b#c", "https://wiki.bank/checkout?a=b#c"), ("http://localhost:8080/", "http://localhost:8080/")]);
let lines = bad::<url::Url>(&["bank", "wiki.bank/x", "ftp://bank/x", "https://", "https://ana:pw@bank/", "https://ana@bank", "https://bank:99999/", "https://a b/", "javascript:alert(1)", "HTTPS://bank"]);
println!("@@BEGIN url\n{lines}@@END");
round_trip::<url::Url>("https?://[a-z]{1,8}(\\.[a-z]{1,5})?(:[0-9]{2,4})?(/[a-z%&=?#.]{0,8}){0,3}");
}

#[test]
fn git_url() {
good::<url::GitUrl>(&[("https://git.bank/payments/checkout", "https://git.bank/payments/checkout"), ("ssh://git@git.bank/payments/checkout.git", "ssh://git@git.bank/payments/checkout.git"), ("https://git.bank/a/", "https://git.bank/a")]);
let lines = bad::<url::GitUrl>(&["git@git.bank:payments/checkout.git", "https://git.bank", "https://ana:pw@git.bank/a", "https://token@git.bank/a", "file:///srv/repo", "git.bank/a", "https://git.bank/a?b"]);
println!("@@BEGIN git_url\n{lines}@@END");
round_trip::<url::GitUrl>("(https|ssh|http)://[a-z]{1,8}(/[a-z.]{1,8}){1,3}");
}

#[test]
fn email() {
good::<url::Email>(&[("payments@bank", "payments@bank"), ("ana.lee+x@pay.bank", "ana.lee+x@pay.bank"), ("ana@Bank", "ana@bank")]);
let lines = bad::<url::Email>(&["payments", "@bank", "ana@", "Ana Lee <ana@bank>", "a..b@bank", "ana at bank"]);
println!("@@BEGIN email\n{lines}@@END");
round_trip::<url::Email>("[a-z.+]{1,8}@[a-zA-Z.]{1,8}");
}

#[test]
fn absolute_path() {
good::<path::AbsolutePath>(&[("/", "/"), ("/var/cache", "/var/cache"), ("/a b", "/a b")]);
let lines = bad::<path::AbsolutePath>(&["var/cache", "/var//cache", "/var/cache/", "/var/../etc", "/a:b", "", "C:\\temp", "/a/./b"]);
println!("@@BEGIN absolute_path\n{lines}@@END");
round_trip::<path::AbsolutePath>("(/[a-z. ]{1,5}){1,4}");
}

#[test]
fn url_path() {
good::<path::UrlPath>(&[("/", "/"), ("/api", "/api"), ("/api/", "/api/"), ("/a%20b", "/a%20b")]);
let lines = bad::<path::UrlPath>(&["api", "/a b", "/a?b=1", "/a#b", "//", "/a//b", "/a/../b", "/a%2", "", "https://bank/api/x", "/é"]);
println!("@@BEGIN url_path\n{lines}@@END");
round_trip::<path::UrlPath>("(/[a-z%0-9.]{1,5}){1,4}/?");
}

#[test]
fn relative_path() {
good::<path::RelativePath>(&[("files/checkout.toml", "files/checkout.toml"), ("a", "a")]);
let lines = bad::<path::RelativePath>(&["./files/x", "/etc/passwd", "../x", "a//b", "a/", "a\\b", ""]);
println!("@@BEGIN relative_path\n{lines}@@END");
round_trip::<path::RelativePath>("[a-z.]{1,5}(/[a-z.]{1,5}){0,4}");
}

#[test]
fn relative_glob() {
good::<path::RelativeGlob>(&[("tenants/**/*.kdl", "tenants/**/*.kdl"), ("a", "a"), ("{a,b}/[ab].kdl", "{a,b}/[ab].kdl")]);
let lines = bad::<path::RelativeGlob>(&["../**", "/tenants/*.kdl", "./a/*", "[a", "{a", "a/{..,b}"]);
println!("@@BEGIN relative_glob\n{lines}@@END");
round_trip::<path::RelativeGlob>("[a-z*?]{1,5}(/[a-z*?]{1,5}){0,4}");
}

#[test]
fn secret_source() {
good::<path::SecretSource>(&[("vault:kv/payments/checkout", "vault:kv/payments/checkout"), ("vault:a:b", "vault:a:b")]);
let lines = bad::<path::SecretSource>(&["kv/payments", "vault:", "Vault:kv/a", "vault:/kv/a", "vault:../a", "vault://kv/a", "vault:a b"]);
println!("@@BEGIN secret_source\n{lines}@@END");
round_trip::<path::SecretSource>("[a-z-]{1,8}:[a-z.:]{1,5}(/[a-z.]{1,5}){0,3}");
}
