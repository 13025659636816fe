//! Traefik: the routes that its own provider is tested with, and the Middlewares of its pages.

use super::case::{Case, reproduced};

const NEW: Case = Case {
    project: "traefik",
    left: &[("GatewayClass", "the platform"), ("Secret", "cert-manager")],
    names: &[("Gateway", "/spec/gatewayClassName", "traefik")],
    ..Case::NEW
};

/// One listener for HTTP, as most of these examples have.
const PLAIN: &str = "tenant shop { gateway my-gateway { listener http port=80 } }";

/// A gateway that takes routes of HTTP alone.
const ONLY_HTTP: &[(&str, &str, &str)] = &[(
    "Gateway",
    "/spec/listeners/0/allowedRoutes/kinds",
    "a tenant has the routes that it writes; none of gRPC is among them",
)];

macro_rules! fixture {
    ($file:literal, $unsaid:expr, $apps:expr, $kdl:literal) => {
        Case {
            files: &[concat!(
                "pkg/provider/kubernetes/gateway/fixtures/httproute/",
                $file
            )],
            same: &[("Gateway", "my-gateway", 0), ("HTTPRoute", "http-app-1", 0)],
            unsaid: $unsaid,
            platform: PLAIN,
            apps: $apps,
            kdl: concat!(
                "route http-app-1 tenant=shop gateway=my-gateway {\n",
                $kdl,
                "\n}"
            ),
            ..NEW
        }
    };
}

const WHOAMI: &[(&str, u16)] = &[("whoami", 80)];

const ROUTES: &[Case] = &[
    fixture!(
        "filter_request_header_modifier.yml",
        ONLY_HTTP,
        WHOAMI,
        r#"host "example.org"; rule path="/" { to whoami; request-headers { set X-Foo Bar; add X-Bar Foo; remove X-Baz } }"#
    ),
    fixture!(
        "filter_response_header_modifier.yml",
        ONLY_HTTP,
        WHOAMI,
        r#"host "example.org"; rule path="/" { to whoami; response-headers { set X-Foo Bar; add X-Bar Foo; remove X-Baz } }"#
    ),
    fixture!(
        "filter_http_to_https.yml",
        ONLY_HTTP,
        &[],
        r#"host "example.org"; rule path="/" { redirect scheme=https status=301 }"#
    ),
    fixture!(
        "with_query_param_matching.yml",
        &[],
        WHOAMI,
        r#"host "foo.com"; rule path="/foo" { query foo bar; query baz regex=buz; to whoami }"#
    ),
    fixture!(
        "with_method_matching.yml",
        &[],
        WHOAMI,
        r#"host "foo.com"; rule path="/foo" { methods GET; to whoami }"#
    ),
    fixture!(
        "filter_url_rewrite_fullpath.yml",
        ONLY_HTTP,
        WHOAMI,
        r#"host "example.com"; rule path="/foo" { to whoami; rewrite path="/bar" }"#
    ),
    fixture!(
        "filter_url_rewrite_combined.yml",
        ONLY_HTTP,
        WHOAMI,
        r#"host "example.com"; rule path="/foo" { to whoami; rewrite host="www.foo.bar" prefix="/xyz" }"#
    ),
    fixture!(
        "two_rules.yml",
        &[],
        &[("whoami", 80), ("whoami2", 8080)],
        r#"host "foo.com"; rule path-exact="/bar" { to whoami }; rule path-exact="/bir" { to whoami2 }"#
    ),
    Case {
        files: &[
            "pkg/provider/kubernetes/gateway/fixtures/httproute/with_two_listeners_one_httproute.yml",
        ],
        same: &[("Gateway", "my-gateway", 0), ("HTTPRoute", "http-app-1", 0)],
        platform: "tenant shop { gateway my-gateway { listener https port=443 certificate=supersecret; listener http port=80 } }",
        apps: WHOAMI,
        kdl: r#"
certificate supersecret tenant=shop issuer=ca { host "foo.com" }
route http-app-1 tenant=shop gateway=my-gateway { host "foo.com"; rule path-exact="/bar" { to whoami } }
"#,
        ..NEW
    },
    Case {
        files: &["pkg/provider/kubernetes/gateway/fixtures/tcproute/simple.yml"],
        same: &[
            ("Gateway", "my-tcp-gateway", 0),
            ("TCPRoute", "tcp-app-1", 0),
        ],
        platform: "tenant shop { gateway my-tcp-gateway { listener tcp port=9000 protocol=tcp } }",
        apps: &[("whoamitcp", 9000)],
        kdl: "route tcp-app-1 tenant=shop gateway=my-tcp-gateway protocol=tcp { rule { to whoamitcp } }",
        ..NEW
    },
    Case {
        files: &[
            "docs/content/reference/dynamic-configuration/kubernetes-gateway-simple-https.yml",
        ],
        same: &[("Gateway", "my-gateway", 0), ("HTTPRoute", "http-app", 0)],
        platform: "tenant shop { gateway my-gateway { listener https port=443 certificate=mysecret } }",
        apps: WHOAMI,
        kdl: r#"
certificate mysecret tenant=shop issuer=ca { host whoami }
route http-app tenant=shop gateway=my-gateway { host whoami; rule path-exact="/foo" { to whoami } }
"#,
        ..NEW
    },
];

macro_rules! middleware {
    ($page:literal, $name:literal, $index:literal, $ours:literal, $kdl:literal) => {
        Case {
            project: "traefik",
            files: &[concat!(
                "docs/content/reference/routing-configuration/http/middlewares/",
                $page,
                ".md"
            )],
            same: &[("Middleware", $name, $index)],
            names: &[("Middleware", "/metadata/name", concat!("all-1-", $ours))],
            platform: PLAIN,
            apps: WHOAMI,
            kdl: concat!(
                "route all tenant=shop gateway=my-gateway { host \"foo.com\"; rule { to whoami; ",
                $kdl,
                " } }"
            ),
            ..Case::NEW
        }
    };
}

const MIDDLEWARES: &[Case] = &[
    middleware!(
        "forwardauth",
        "test-auth",
        0,
        "auth",
        r#"auth url="https://example.com/auth""#
    ),
    middleware!(
        "circuitbreaker",
        "latency-check",
        0,
        "circuit-breaker",
        r#"circuit-breaker latency="100ms""#
    ),
    middleware!(
        "inflightreq",
        "test-inflightreq",
        0,
        "in-flight",
        "in-flight 10"
    ),
    middleware!(
        "headers",
        "test-header",
        3,
        "cors",
        r#"cors { origins "https://foo.bar.org" "https://example.org"; methods GET OPTIONS PUT; headers "*"; max-age "100s" }"#
    ),
];

#[tokio::test]
async fn examples_of_traefik_are_said_in_kdl() {
    assert!(reproduced(&["gateway-api", "traefik"], ROUTES).await >= 20);
    assert_eq!(reproduced(&["traefik"], MIDDLEWARES).await, 4);
}
