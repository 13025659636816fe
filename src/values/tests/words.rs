//! Images, versions, HTTP and names of Kubernetes: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::{http, image, objects, version};

#[test]
fn image_repository() {
good::<image::ImageRepository>(&[("harbor.bank/payments/checkout", "harbor.bank/payments/checkout"), ("localhost:5000/x", "localhost:5000/x"), ("nginx", "nginx"), ("a/b-c_d__e.f", "a/b-c_d__e.f"), ("h.b/a--b", "h.b/a--b")]);
let lines = bad::<image::ImageRepository>(&["", "harbor.bank/checkout:2.14.0", "checkout:2.14.0", "x@sha256:ab", "https://harbor.bank/x", "Harbor.bank/Payments/x", "a//b", "harbor.bank/", "a b", "h.b/a___b", "h.b:0/x"]);
println!("@@BEGIN image_repository\n{lines}@@END");
round_trip::<image::ImageRepository>("([a-z]{1,4}\\.[a-z]{1,4}(:[0-9]{1,4})?/)?[a-z0-9._-]{1,8}(/[a-z0-9._-]{1,6}){0,2}");
}

#[test]
fn image_reference() {
good::<image::ImageReference>(&[("nginx", "nginx"), ("nginx:1.27", "nginx:1.27"), ("harbor.bank:8443/a/b:2.14.0", "harbor.bank:8443/a/b:2.14.0"), ("a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), ("a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]);
let lines = bad::<image::ImageReference>(&["", "a:", "a@sha256:12", "A/b:1", "a:b c", "https://h.b/a:1"]);
println!("@@BEGIN image_reference\n{lines}@@END");
round_trip::<image::ImageReference>("[a-z]{1,5}(\\.[a-z]{1,4})?/[a-z]{1,5}(:[A-Za-z0-9._-]{1,8})?(@sha256:[0-9a-f]{64})?");
}

#[test]
fn version() {
good::<image::Version>(&[("2.14.0", "2.14.0"), ("latest", "latest"), ("v1_2-rc.1", "v1_2-rc.1")]);
let lines = bad::<image::Version>(&["", "-1", "1.0+build", "a b", &"v".repeat(129)]);
println!("@@BEGIN version\n{lines}@@END");
round_trip::<image::Version>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn digest() {
good::<image::Digest>(&[("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]);
let lines = bad::<image::Digest>(&["", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "sha256:12", "SHA256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "sha256:gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"]);
println!("@@BEGIN digest\n{lines}@@END");
round_trip::<image::Digest>("sha256:[0-9a-f]{64}");
}

#[test]
fn component_version() {
good::<version::ComponentVersion>(&[("1", "1"), ("1.3", "1.3"), ("1.3.2", "1.3.2"), ("1.4.0-rc.1", "1.4.0-rc.1")]);
let lines = bad::<version::ComponentVersion>(&["", "v1.3", "1.3.x", "1.2.3.4", "1.03", "1..2", "1.3-rc1", "^1.3", "1.3.0-", "1.2.3+build"]);
println!("@@BEGIN component_version\n{lines}@@END");
round_trip::<version::ComponentVersion>("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[a-z0-9.-]{1,6})?");
}

#[test]
fn version_range() {
good::<version::VersionRange>(&[(">=1.2 <2", ">=1.2 <2"), (">1.0.0 <=1.3", ">1.0.0 <=1.3"), (">=1.2   <2", ">=1.2 <2")]);
let lines = bad::<version::VersionRange>(&["", "1.2", ">= 1.2, < 2", ">=", "=1.2"]);
println!("@@BEGIN version_range\n{lines}@@END");
round_trip::<version::VersionRange>("(>=|<=|>|<)[0-9]{1,2}(\\.[0-9]{1,2}){0,2}( <[0-9]{1,2})?");
}

#[test]
fn kubernetes_version() {
good::<version::KubernetesVersion>(&[("1.30", "1.30")]);
let lines = bad::<version::KubernetesVersion>(&["", "1", "v1.30", "1.30.4", "2.0", "1.x", "v1.30.2"]);
println!("@@BEGIN kubernetes_version\n{lines}@@END");
round_trip::<version::KubernetesVersion>("1\\.[0-9]{1,3}");
}

#[test]
fn http_method() {
good::<http::HttpMethod>(&[("GET", "GET"), ("PATCH", "PATCH")]);
let lines = bad::<http::HttpMethod>(&["get", "FETCH", "DELTE", ""]);
println!("@@BEGIN http_method\n{lines}@@END");
round_trip::<http::HttpMethod>("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE");
}

#[test]
fn status_code() {
good::<http::StatusCode>(&[("302", "302"), ("100", "100"), ("599", "599")]);
let lines = bad::<http::StatusCode>(&["99", "600", "0302", "ok", "302 Found"]);
println!("@@BEGIN status_code\n{lines}@@END");
round_trip::<http::StatusCode>("[0-9]{3}");
}

#[test]
fn status_pattern() {
good::<http::StatusPattern>(&[("503", "503"), ("5xx", "5xx")]);
let lines = bad::<http::StatusPattern>(&["5XX", "6xx", "xx", "5x", ""]);
println!("@@BEGIN status_pattern\n{lines}@@END");
round_trip::<http::StatusPattern>("[0-9]{3}|[0-9]xx");
}

#[test]
fn uid() {
good::<objects::Uid>(&[("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e")]);
let lines = bad::<objects::Uid>(&["", "0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5bd9cb469fa16570867728950e", "0f8fad5b-d9cb-469f-a165", "0f8fad5b-d9cb-469f-a165-70867728950g"]);
println!("@@BEGIN uid\n{lines}@@END");
round_trip::<objects::Uid>("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
}

#[test]
fn resource_name() {
good::<objects::ResourceName>(&[("configmaps", "configmaps"), ("requests.nvidia.com/gpu", "requests.nvidia.com/gpu"), ("count/deployments.apps", "count/deployments.apps")]);
let lines = bad::<objects::ResourceName>(&["", "config maps", "nvidia.com/", "NVIDIA.com/gpu"]);
println!("@@BEGIN resource_name\n{lines}@@END");
round_trip::<objects::ResourceName>("([a-z.]{1,8}/)?[a-z.]{1,8}");
}

#[test]
fn group_resource() {
good::<objects::GroupResource>(&[("apps/deployments", "apps/deployments"), ("configmaps", "configmaps"), ("gateway.networking.k8s.io/httproutes", "gateway.networking.k8s.io/httproutes")]);
let lines = bad::<objects::GroupResource>(&["", "apps/v1/deployments", "deployments.apps", "apps/*", "Apps/Deployments", "apps/"]);
println!("@@BEGIN group_resource\n{lines}@@END");
round_trip::<objects::GroupResource>("([a-z.]{1,8}/)?[a-z]{1,8}");
}
