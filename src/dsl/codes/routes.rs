//! Codes 570–589: rules about routes, about files of objects as they are written, and about storage.

use super::Example::Unshown;
use super::{PLATFORM, shown};

/// A tenant with a gateway.
const TENANTS: (&str, &str) = (
    "platform/tenants.kdl",
    "tenant web {\n  gateway public { listener web port=80 host=\"*.${domain}\" }\n}\ntenant stock\n",
);
/// An app that takes requests.
const APP: (&str, &str) = (
    "tenants/web/apps.kdl",
    "app shop tenant=web {\n  image \"${registry}/shop\"\n  version \"1.0.0\"\n  port http 8080\n}\n",
);
/// A file with a route.
const ROUTE: &str = "tenants/web/routes.kdl";

catalogue! {
    NO_LISTENER = 570, "A host or protocol that no listener of the gateway serves",
    "A request reaches a route through a listener of its gateway that speaks the same protocol and answers to its \
     host. No listener does, so the route would never get a request.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}.example\"\n  rule { to shop }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop }\n}\n")],
    );

    BACKEND = 571, "An app that cannot take the requests of a route",
    "A route leads to a port of an app of the same tenant in its own namespace. Jobs and apps without ports take \
     no requests, and where an app has several ports one must be named.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop port=htp }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop port=http }\n}\n")],
    );

    ROUTE_RULE = 572, "A rule that leads nowhere, or to two things",
    "A rule matches one path and leads to apps or to a redirect. Name one of them, and give at least one app a \
     weight.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/a\"\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/a\" { to shop }\n}\n")],
    );

    SAME_MATCH = 573, "Two rules that match the same requests",
    "Only one of them is ever used. Tell them apart by `path`, `methods`, `header` or `query`, or make them one \
     rule with weights.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/a\" { to shop }\n  rule path=\"/a/\" { redirect \"https://shop.example\" }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/a\" { to shop }\n  rule path=\"/b\" { redirect \"https://shop.example\" }\n}\n")],
    );

    RETRY = 574, "A retry that could do a thing twice",
    "A POST or PATCH that got no answer may have been done all the same. It is sent again only if you say that a \
     repetition does no harm.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { methods POST; to shop; retry 2 }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { methods POST; to shop; retry 2 idempotent=#true }\n}\n")],
    );

    GATEWAY_IGNORES = 575, "Something that the gateway would silently ignore",
    "The API server would accept it and the gateway would not do it. Traefik ignores time limits and copies on \
     routes; gateways of other classes do not know the Middlewares of Traefik.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop; timeout \"5s\" }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop; rate-limit 5 }\n}\n")],
    );

    UNFIT_PROTOCOL = 576, "A field that means nothing in the protocol of the route",
    "Requests of HTTP have paths and methods, those of gRPC have calls; of TLS only the host can be told, of TCP \
     nothing. Remove the field, or change `protocol`.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { call method=Buy; to shop }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/buy\" { to shop }\n}\n")],
    );

    REWRITE = 577, "A redirect or rewrite that cannot be done",
    "It leads to where the request already is, to two paths at once, or replaces a prefix that the rule does not \
     match.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path-exact=\"/a\" { to shop; rewrite prefix=\"/b\" }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule path=\"/a\" { to shop; rewrite prefix=\"/b\" }\n}\n")],
    );

    POLICY = 578, "A policy that says nothing, or contradicts itself",
    "A limit needs to know whose requests it counts, a circuit breaker when it opens, `auth` whom it asks, and \
     `cors` which pages it trusts.",
    shown(
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop; circuit-breaker open=\"5s\" }\n}\n")],
        &[TENANTS, APP, (ROUTE, "route shop tenant=web gateway=public {\n  host \"shop.${domain}\"\n  rule { to shop; circuit-breaker error-rate=\"30%\" open=\"5s\" }\n}\n")],
    );

    ROUTE_TOO_LARGE = 579, "A route with more parts than the cluster takes",
    "One route holds 16 hosts, 16 rules and 16 apps a rule; a rule with `retry` and without `methods` counts twice. \
     Write a second route: routes of a tenant may share a host.",
    Unshown("it takes more than 16 rules");

    NO_SUCH_FILES = 580, "A pattern that matches no file",
    "`manifests` takes its objects from files, and none matches. The pattern starts at the directory of the KDL file, \
     and only text files of the same owner are seen.",
    shown(
        &[(PLATFORM, "manifests vendor {\n  from \"vendor/*.yaml\"\n  kinds ConfigMap\n}\n")],
        &[(PLATFORM, "manifests vendor {\n  from \"vendor/*.yaml\"\n  kinds ConfigMap\n}\n"), ("platform/vendor/a.yaml", "")],
    );

    STORAGE = 581, "A storage class or volume that contradicts itself",
    "A class exists already or is described here, one class at most is the default, and a volume is in one place and \
     is deleted only by a driver that can do it.",
    shown(
        &[(PLATFORM, "storage-class fast external=#true reclaim=delete\n")],
        &[(PLATFORM, "storage-class fast provisioner=\"disk.example\" reclaim=delete\n")],
    );
}
