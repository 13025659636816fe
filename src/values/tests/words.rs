//! Images, versions, HTTP and names of Kubernetes: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::Grammar;
use crate::values::{http, image, objects, version};

#[test]
fn image_repository() {
    good::<image::ImageRepository>(&[
        (
            "harbor.bank/payments/checkout",
            "harbor.bank/payments/checkout",
        ),
        ("localhost:5000/x", "localhost:5000/x"),
        ("nginx", "nginx"),
        ("a/b-c_d__e.f", "a/b-c_d__e.f"),
        ("h.b/a--b", "h.b/a--b"),
    ]);
    let refused = bad::<image::ImageRepository>(&[
        "",
        "harbor.bank/checkout:2.14.0",
        "checkout:2.14.0",
        "x@sha256:ab",
        "https://harbor.bank/x",
        "Harbor.bank/Payments/x",
        "a//b",
        "harbor.bank/",
        "a b",
        "h.b/a___b",
        "h.b:0/x",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the repository of an image: it is empty; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout"
    `harbor.bank/checkout:2.14.0` is not the repository of an image: it has a tag, which is written apart from it; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => harbor.bank/checkout
    `checkout:2.14.0` is not the repository of an image: it has a tag, which is written apart from it; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => checkout
    `x@sha256:ab` is not the repository of an image: it has a digest, which is written apart from it; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => x
    `https://harbor.bank/x` is not the repository of an image: it is a URL; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => harbor.bank/x
    `Harbor.bank/Payments/x` is not the repository of an image: `P` is not allowed; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => harbor.bank/payments/x
    `a//b` is not the repository of an image: it has an empty part beside a `/`; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout"
    `harbor.bank/` is not the repository of an image: it has an empty part beside a `/`; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout" => harbor.bank
    `a b` is not the repository of an image: a space is not allowed; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout"
    `h.b/a___b` is not the repository of an image: in `a___b`, a separator is not between letters or digits; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout"
    `h.b:0/x` is not the repository of an image: what follows the `:` of the host is not a port; write the host of the registry and a path in lower case, for example "harbor.bank/payments/checkout"
    "#);
    round_trip::<image::ImageRepository>(
        "([a-z]{1,4}\\.[a-z]{1,4}(:[0-9]{1,4})?/)?[a-z0-9._-]{1,8}(/[a-z0-9._-]{1,6}){0,2}",
    );
}

#[test]
fn image_reference() {
    good::<image::ImageReference>(&[
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx:1.27"),
        ("harbor.bank:8443/a/b:2.14.0", "harbor.bank:8443/a/b:2.14.0"),
        (
            "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
        (
            "a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
    ]);
    let refused = bad::<image::ImageReference>(&[
        "",
        "a:",
        "a@sha256:12",
        "A/b:1",
        "a:b c",
        "https://h.b/a:1",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not an image: it is empty; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0"
    `a:` is not an image: in its version, it is empty; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0"
    `a@sha256:12` is not an image: in its digest, it has 2 digits, not 64; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0"
    `A/b:1` is not an image: `A` is not allowed; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0" => a/b:1
    `a:b c` is not an image: in its version, a space is not allowed; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0"
    `https://h.b/a:1` is not an image: it is a URL; write a repository, then `:` and a version, then `@` and a digest, for example "harbor.bank/payments/checkout:2.14.0" => h.b/a:1
    "#);
    round_trip::<image::ImageReference>(
        "[a-z]{1,5}(\\.[a-z]{1,4})?/[a-z]{1,5}(:[A-Za-z0-9._-]{1,8})?(@sha256:[0-9a-f]{64})?",
    );
}

#[test]
fn version() {
    good::<image::Version>(&[
        ("2.14.0", "2.14.0"),
        ("latest", "latest"),
        ("v1_2-rc.1", "v1_2-rc.1"),
    ]);
    let refused = bad::<image::Version>(&["", "-1", "1.0+build", "a b", &"v".repeat(129)]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the version of an image: it is empty; use letters, digits, `_`, `.` and `-`, at most 128 characters, for example "2.14.0"
    `-1` is not the version of an image: it starts with a `.` or a `-`; use letters, digits, `_`, `.` and `-`, at most 128 characters, for example "2.14.0" => 1
    `1.0+build` is not the version of an image: `+` is not allowed; use letters, digits, `_`, `.` and `-`, at most 128 characters, for example "2.14.0" => 1.0-build
    `a b` is not the version of an image: a space is not allowed; use letters, digits, `_`, `.` and `-`, at most 128 characters, for example "2.14.0" => a-b
    `vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv` is not the version of an image: it has 129 characters, 128 are allowed; use letters, digits, `_`, `.` and `-`, at most 128 characters, for example "2.14.0"
    "#);
    round_trip::<image::Version>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn digest() {
    good::<image::Digest>(&[(
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    )]);
    let refused = bad::<image::Digest>(&[
        "",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:12",
        "SHA256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
        "sha256:gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the digest of an image: `sha256:` is missing in front; write `sha256:` and 64 digits from 0-9 and a-f, for example "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f"
    `0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef` is not the digest of an image: `sha256:` is missing in front; write `sha256:` and 64 digits from 0-9 and a-f, for example "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f" => sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    `sha256:12` is not the digest of an image: it has 2 digits, not 64; write `sha256:` and 64 digits from 0-9 and a-f, for example "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f"
    `SHA256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF` is not the digest of an image: `sha256:` is missing in front; write `sha256:` and 64 digits from 0-9 and a-f, for example "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f" => sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    `sha256:gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg` is not the digest of an image: `g` is not allowed; write `sha256:` and 64 digits from 0-9 and a-f, for example "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f"
    "#);
    round_trip::<image::Digest>("sha256:[0-9a-f]{64}");
}

#[test]
fn component_version() {
    good::<version::ComponentVersion>(&[
        ("1", "1"),
        ("1.3", "1.3"),
        ("1.3.2", "1.3.2"),
        ("1.4.0-rc.1", "1.4.0-rc.1"),
    ]);
    let refused = bad::<version::ComponentVersion>(&[
        "",
        "v1.3",
        "1.3.x",
        "1.2.3.4",
        "1.03",
        "1..2",
        "1.3-rc1",
        "^1.3",
        "1.3.0-",
        "1.2.3+build",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the version of a component: a number in it is missing; write one to three numbers with points between them, for example "1.3"
    `v1.3` is not the version of a component: it starts with a `v`; write one to three numbers with points between them, for example "1.3" => 1.3
    `1.3.x` is not the version of a component: a part of it is not a number; write one to three numbers with points between them, for example "1.3" => 1.3
    `1.2.3.4` is not the version of a component: it has 4 numbers, 3 are allowed; write one to three numbers with points between them, for example "1.3"
    `1.03` is not the version of a component: a number in it starts with 0; write one to three numbers with points between them, for example "1.3"
    `1..2` is not the version of a component: a number in it is missing; write one to three numbers with points between them, for example "1.3"
    `1.3-rc1` is not the version of a component: a pre-release needs three numbers in front; write one to three numbers with points between them, for example "1.3"
    `^1.3` is not the version of a component: a part of it is not a number; write one to three numbers with points between them, for example "1.3" => 1.3
    `1.3.0-` is not the version of a component: what follows the `-` is not a pre-release; write one to three numbers with points between them, for example "1.3"
    `1.2.3+build` is not the version of a component: a part of it is not a number; write one to three numbers with points between them, for example "1.3" => 1.2.3
    "#);
    round_trip::<version::ComponentVersion>("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[a-z0-9.-]{1,6})?");
}

#[test]
fn version_range() {
    good::<version::VersionRange>(&[
        (">=1.2 <2", ">=1.2 <2"),
        (">1.0.0 <=1.3", ">1.0.0 <=1.3"),
        (">=1.2   <2", ">=1.2 <2"),
    ]);
    let refused = bad::<version::VersionRange>(&["", "1.2", ">= 1.2, < 2", ">=", "=1.2"]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a range of versions: it is empty; write bounds with >=, >, <= or < and spaces between them, for example ">=1.2 <2"
    `1.2` is not a range of versions: a bound has no sign in front; write bounds with >=, >, <= or < and spaces between them, for example ">=1.2 <2" => >=1.2
    `>= 1.2, < 2` is not a range of versions: a bound has no version after its sign; write bounds with >=, >, <= or < and spaces between them, for example ">=1.2 <2" => >=1.2 <2
    `>=` is not a range of versions: a bound has no version after its sign; write bounds with >=, >, <= or < and spaces between them, for example ">=1.2 <2"
    `=1.2` is not a range of versions: a bound has no sign in front; write bounds with >=, >, <= or < and spaces between them, for example ">=1.2 <2"
    "#);
    round_trip::<version::VersionRange>("(>=|<=|>|<)[0-9]{1,2}(\\.[0-9]{1,2}){0,2}( <[0-9]{1,2})?");
}

#[test]
fn kubernetes_version() {
    good::<version::KubernetesVersion>(&[("1.30", "1.30")]);
    let refused =
        bad::<version::KubernetesVersion>(&["", "1", "v1.30", "1.30.4", "2.0", "1.x", "v1.30.2"]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a version of Kubernetes: a number in it is missing; write `1.` and the minor version in quotes, for example "1.30"
    `1` is not a version of Kubernetes: the minor version is missing; write `1.` and the minor version in quotes, for example "1.30"
    `v1.30` is not a version of Kubernetes: it starts with a `v`; write `1.` and the minor version in quotes, for example "1.30" => 1.30
    `1.30.4` is not a version of Kubernetes: it has a patch version; write `1.` and the minor version in quotes, for example "1.30" => 1.30
    `2.0` is not a version of Kubernetes: it does not start with `1.`; write `1.` and the minor version in quotes, for example "1.30"
    `1.x` is not a version of Kubernetes: a part of it is not a number; write `1.` and the minor version in quotes, for example "1.30"
    `v1.30.2` is not a version of Kubernetes: it starts with a `v`; write `1.` and the minor version in quotes, for example "1.30" => 1.30
    "#);
    round_trip::<version::KubernetesVersion>("1\\.[0-9]{1,3}");
}

#[test]
fn http_method() {
    good::<http::HttpMethod>(&[("GET", "GET"), ("PATCH", "PATCH")]);
    let refused = bad::<http::HttpMethod>(&["get", "FETCH", "DELTE", ""]);
    insta::assert_snapshot!(refused, @r#"
    `get` is not a method of HTTP: there is no such method; write GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT or TRACE, for example "GET" => GET
    `FETCH` is not a method of HTTP: there is no such method; write GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT or TRACE, for example "GET"
    `DELTE` is not a method of HTTP: there is no such method; write GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT or TRACE, for example "GET" => DELETE
    `` is not a method of HTTP: there is no such method; write GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT or TRACE, for example "GET"
    "#);
    round_trip::<http::HttpMethod>("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE");
}

#[test]
fn status_code() {
    good::<http::StatusCode>(&[("302", "302"), ("100", "100"), ("599", "599")]);
    let refused = bad::<http::StatusCode>(&["99", "600", "0302", "ok", "302 Found"]);
    insta::assert_snapshot!(refused, @r#"
    `99` is not a status code: it is outside the range; write a number from 100 to 599, for example "302"
    `600` is not a status code: it is outside the range; write a number from 100 to 599, for example "302"
    `0302` is not a status code: it is outside the range; write a number from 100 to 599, for example "302"
    `ok` is not a status code: it is not a whole number; write a number from 100 to 599, for example "302"
    `302 Found` is not a status code: it is not a whole number; write a number from 100 to 599, for example "302" => 302
    "#);
    round_trip::<http::StatusCode>("[0-9]{3}");
}

#[test]
fn status_pattern() {
    good::<http::StatusPattern>(&[("503", "503"), ("5xx", "5xx")]);
    let refused = bad::<http::StatusPattern>(&["5XX", "6xx", "xx", "5x", ""]);
    insta::assert_snapshot!(refused, @r#"
    `5XX` is not a status code or a class of them: it is not a whole number; write a number from 100 to 599, or a digit and `xx`, for example "5xx" => 5xx
    `6xx` is not a status code or a class of them: there is no such class; write a number from 100 to 599, or a digit and `xx`, for example "5xx"
    `xx` is not a status code or a class of them: there is no such class; write a number from 100 to 599, or a digit and `xx`, for example "5xx"
    `5x` is not a status code or a class of them: it is not a whole number; write a number from 100 to 599, or a digit and `xx`, for example "5xx"
    `` is not a status code or a class of them: it is not a whole number; write a number from 100 to 599, or a digit and `xx`, for example "5xx"
    "#);
    round_trip::<http::StatusPattern>("[0-9]{3}|[0-9]xx");
}

#[test]
fn uid() {
    good::<objects::Uid>(&[(
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
    )]);
    let refused = bad::<objects::Uid>(&[
        "",
        "0F8FAD5B-D9CB-469F-A165-70867728950E",
        "0f8fad5bd9cb469fa16570867728950e",
        "0f8fad5b-d9cb-469f-a165",
        "0f8fad5b-d9cb-469f-a165-70867728950g",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a UID: its groups of digits have other lengths; write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them, for example "0f8fad5b-d9cb-469f-a165-70867728950e"
    `0F8FAD5B-D9CB-469F-A165-70867728950E` is not a UID: it has capitals; write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them, for example "0f8fad5b-d9cb-469f-a165-70867728950e" => 0f8fad5b-d9cb-469f-a165-70867728950e
    `0f8fad5bd9cb469fa16570867728950e` is not a UID: its groups of digits have other lengths; write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them, for example "0f8fad5b-d9cb-469f-a165-70867728950e" => 0f8fad5b-d9cb-469f-a165-70867728950e
    `0f8fad5b-d9cb-469f-a165` is not a UID: its groups of digits have other lengths; write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them, for example "0f8fad5b-d9cb-469f-a165-70867728950e"
    `0f8fad5b-d9cb-469f-a165-70867728950g` is not a UID: it has other characters; write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them, for example "0f8fad5b-d9cb-469f-a165-70867728950e"
    "#);
    round_trip::<objects::Uid>("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
}

#[test]
fn resource_name() {
    good::<objects::ResourceName>(&[
        ("configmaps", "configmaps"),
        ("requests.nvidia.com/gpu", "requests.nvidia.com/gpu"),
        ("count/deployments.apps", "count/deployments.apps"),
    ]);
    let refused =
        bad::<objects::ResourceName>(&["", "config maps", "nvidia.com/", "NVIDIA.com/gpu"]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a resource that a quota counts: it is empty; write its plural, or a domain, `/` and a name, for example "requests.nvidia.com/gpu"
    `config maps` is not a resource that a quota counts: a space is not allowed; write its plural, or a domain, `/` and a name, for example "requests.nvidia.com/gpu" => config-maps
    `nvidia.com/` is not a resource that a quota counts: it is empty; write its plural, or a domain, `/` and a name, for example "requests.nvidia.com/gpu" => nvidia.com
    `NVIDIA.com/gpu` is not a resource that a quota counts: before the `/`, `N` is not allowed; write its plural, or a domain, `/` and a name, for example "requests.nvidia.com/gpu" => nvidia.com/gpu
    "#);
    round_trip::<objects::ResourceName>("([a-z.]{1,8}/)?[a-z.]{1,8}");
}

#[test]
fn group_resource() {
    good::<objects::GroupResource>(&[
        ("apps/deployments", "apps/deployments"),
        ("configmaps", "configmaps"),
        (
            "gateway.networking.k8s.io/httproutes",
            "gateway.networking.k8s.io/httproutes",
        ),
    ]);
    let refused = bad::<objects::GroupResource>(&[
        "",
        "apps/v1/deployments",
        "deployments.apps",
        "apps/*",
        "Apps/Deployments",
        "apps/",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a resource of an API group: it is empty; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments"
    `apps/v1/deployments` is not a resource of an API group: the resource is not a word of lower-case letters; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments" => apps/deployments
    `deployments.apps` is not a resource of an API group: the resource is not a word of lower-case letters; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments" => apps/deployments
    `apps/*` is not a resource of an API group: a `*` would mean resources that do not exist yet; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments"
    `Apps/Deployments` is not a resource of an API group: before the `/`, `A` is not allowed; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments" => apps/deployments
    `apps/` is not a resource of an API group: it is empty; write the group, `/` and the plural of the kind in lower case, for example "apps/deployments"
    "#);
    round_trip::<objects::GroupResource>("([a-z.]{1,8}/)?[a-z]{1,8}");
}

#[test]
fn an_image_has_parts() {
    let parts = |text| {
        let image = image::ImageRepository::parse(text).unwrap();
        (image.registry().map(str::to_owned), image.path().to_owned())
    };
    assert_eq!(
        parts("harbor.bank/a/b"),
        (Some("harbor.bank".into()), "a/b".into())
    );
    assert_eq!(
        parts("localhost:5000/x"),
        (Some("localhost:5000".into()), "x".into())
    );
    assert_eq!(parts("library/nginx"), (None, "library/nginx".into()));
    assert_eq!(parts("nginx"), (None, "nginx".into()));
    let whole = image::ImageReference::parse("h.b:80/a:1").unwrap();
    assert_eq!(
        (whole.repository.as_str(), whole.version.unwrap().as_str()),
        ("h.b:80/a", "1")
    );
    assert_eq!(whole.digest, None);
}

#[test]
fn versions_are_compared_by_meaning() {
    let read = |text| version::ComponentVersion::parse(text).unwrap();
    let matches = |want, found| read(want).matches(&read(found));
    assert!(matches("1.3", "1.3.7") && matches("1.3", "1.3") && matches("1", "1.9.9"));
    assert!(!matches("1.3", "1.30.0") && !matches("1.3.0", "1.3.0-rc.1"));
    let compatible = |want, found| read(want).compatible(&read(found));
    assert!(compatible("1.3", "1.9.0") && compatible("1.3", "1.3.0") && compatible("0.3", "0.3.1"));
    assert!(
        !compatible("1.3", "1.2.9") && !compatible("1.3", "2.0.0") && !compatible("0.3", "0.4.0")
    );
    let mut order = [
        "1.10.0",
        "1.9.0",
        "1.10.0-rc.2",
        "1.10.0-rc.10",
        "1.10.0-rc",
    ]
    .map(read);
    order.sort();
    let order = order.map(|version| version.to_string());
    assert_eq!(
        order,
        [
            "1.9.0",
            "1.10.0-rc",
            "1.10.0-rc.2",
            "1.10.0-rc.10",
            "1.10.0"
        ]
    );
}

#[test]
fn a_range_has_bounds() {
    let contains = |range, found| {
        let found = version::ComponentVersion::parse(found).unwrap();
        version::VersionRange::parse(range)
            .unwrap()
            .contains(&found)
    };
    assert!(contains(">=1.2 <2", "1.2.0") && contains(">=1.2 <2", "1.99.3"));
    assert!(!contains(">=1.2 <2", "1.1.9") && !contains(">=1.2 <2", "2.0.0"));
    assert!(
        !contains(">=1.2 <2", "2.0.0-rc.1"),
        "a pre-release of the limit is not wanted"
    );
    assert!(contains("<=1.3", "1.3.9") && !contains(">1.3.0", "1.3.0"));
}

#[test]
fn methods_and_codes_have_classes() {
    let safe = http::HttpMethod::ALL
        .into_iter()
        .filter(|method| method.is_safe())
        .count();
    assert_eq!(safe, 4);
    assert!(http::StatusCode::parse("302").unwrap().is_redirect());
    assert!(!http::StatusCode::parse("304").unwrap().is_redirect());
    assert_eq!(
        http::StatusPattern::parse("5xx").unwrap().range(),
        (500, 599)
    );
    assert_eq!(
        http::StatusPattern::parse("503").unwrap().range(),
        (503, 503)
    );
}

#[test]
fn a_resource_has_a_group() {
    let parts = |text| {
        let resource = objects::GroupResource::parse(text).unwrap();
        (resource.group().to_owned(), resource.resource().to_owned())
    };
    assert_eq!(
        parts("apps/deployments"),
        ("apps".into(), "deployments".into())
    );
    assert_eq!(parts("pods"), (String::new(), "pods".into()));
}
