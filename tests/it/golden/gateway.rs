//! Gateway API: gateways with their listeners, and routes of every protocol.

use super::case::{Case, reproduced};

const NEW: Case = Case {
    project: "gateway-api",
    left: &[
        ("GatewayClass", "the platform"),
        ("Namespace", "the tenant, by name"),
    ],
    ..Case::NEW
};

const SELECTS_NOTHING: &str = "a label that nothing selects by";

const CASES: &[Case] = &[
    Case {
        files: &[
            "examples/standard/http-routing/gateway.yaml",
            "examples/standard/http-routing/foo-httproute.yaml",
            "examples/standard/http-routing/bar-httproute.yaml",
        ],
        same: &[
            ("Gateway", "example-gateway", 0),
            ("HTTPRoute", "example-route", 0),
            ("HTTPRoute", "foo-route", 0),
            ("HTTPRoute", "bar-route", 0),
        ],
        platform: "tenant shop { gateway example-gateway class=example-gateway-class { listener http port=80 } }",
        apps: &[
            ("example-svc", 80),
            ("foo-svc", 8080),
            ("bar-svc", 8080),
            ("bar-svc-canary", 8080),
        ],
        kdl: r#"
route example-route tenant=shop gateway=example-gateway {
  host "example.com"
  rule { to example-svc }
}
route foo-route tenant=shop gateway=example-gateway {
  host "foo.example.com"
  rule path="/login" { to foo-svc }
}
route bar-route tenant=shop gateway=example-gateway {
  host "bar.example.com"
  rule { header env canary; to bar-svc-canary }
  rule { to bar-svc }
}
"#,
        ..NEW
    },
    Case {
        files: &["examples/standard/basic-http.yaml"],
        same: &[("Gateway", "my-gateway", 0), ("HTTPRoute", "http-app-1", 0)],
        platform: "tenant shop { gateway my-gateway class=example { listener http port=80 } }",
        apps: &[("my-service1", 8080), ("my-service2", 8080)],
        kdl: r#"
route http-app-1 tenant=shop gateway=my-gateway {
  host "foo.com"
  rule path="/bar" { to my-service1 }
  rule path="/some/thing" {
    methods GET
    header magic foo
    query great example
    to my-service2
  }
}
"#,
        ..NEW
    },
    Case {
        files: &[
            "examples/standard/http-redirect-rewrite/gateway-redirect-http-https.yaml",
            "examples/standard/http-redirect-rewrite/httproute-redirect-303.yaml",
            "examples/standard/http-redirect-rewrite/httproute-redirect-307.yaml",
            "examples/standard/http-redirect-rewrite/httproute-redirect-308.yaml",
            "examples/standard/http-redirect-rewrite/httproute-redirect-http.yaml",
            "examples/standard/http-redirect-rewrite/httproute-redirect-https.yaml",
        ],
        same: &[
            ("Gateway", "redirect-gateway", 0),
            ("HTTPRoute", "post-redirect-get", 0),
            ("HTTPRoute", "method-preserving-redirect", 0),
            ("HTTPRoute", "permanent-method-preserving-redirect", 0),
            ("HTTPRoute", "http-filter-redirect", 0),
            ("HTTPRoute", "https-route", 0),
        ],
        unsaid: &[],
        platform: "tenant shop { gateway redirect-gateway class=foo-lb { listener http port=80; listener https port=443 certificate=redirect-example } }",
        apps: &[("example-svc", 80)],
        kdl: r#"
certificate redirect-example tenant=shop issuer=ca { host "*.example.com"; host "redirect.example" }
route post-redirect-get tenant=shop gateway=redirect-gateway {
  host "forms.example.com"
  rule path-exact="/submit-form" { methods POST; redirect path="/thank-you" status=303 }
}
route method-preserving-redirect tenant=shop gateway=redirect-gateway {
  host "api.example.com"
  rule path="/api/v1" { redirect path="/api/v2" status=307 }
}
route permanent-method-preserving-redirect tenant=shop gateway=redirect-gateway {
  host "api.example.com"
  rule path="/old-api" { redirect path="/new-api" status=308 }
}
route http-filter-redirect tenant=shop gateway=redirect-gateway listener=http {
  host "redirect.example"
  rule { redirect scheme=https status=301 }
}
route https-route tenant=shop gateway=redirect-gateway listener=https {
  host "redirect.example"
  rule { to example-svc }
}
"#,
        ..NEW
    },
    Case {
        files: &["examples/standard/http-redirect.yaml"],
        same: &[
            ("Gateway", "my-filter-gateway", 0),
            ("HTTPRoute", "http-filter-1", 0),
            ("HTTPRoute", "http-filter-2", 0),
        ],
        platform: "tenant shop { gateway my-filter-gateway class=filter-lb { listener http port=80; listener https port=443 certificate=example-com-cert } }",
        apps: &[("my-filter-svc1", 80)],
        kdl: r#"
certificate example-com-cert tenant=shop issuer=ca { host "*.example.com" }
route http-filter-1 tenant=shop gateway=my-filter-gateway listener=http {
  host "my-filter.example.com"
  rule { redirect scheme=https }
}
route http-filter-2 tenant=shop gateway=my-filter-gateway listener=https {
  host "my-filter.example.com"
  rule path="/" { to my-filter-svc1 }
}
"#,
        ..NEW
    },
    Case {
        files: &[
            "examples/standard/simple-http-https/gateway.yaml",
            "examples/standard/simple-http-https/foo-route.yaml",
            "examples/standard/simple-http-https/bar-route.yaml",
        ],
        same: &[
            ("Gateway", "example-gateway", 0),
            ("HTTPRoute", "foo", 0),
            ("HTTPRoute", "bar", 0),
        ],
        platform: r#"
tenant shop {
  gateway example-gateway class=prod {
    listener http port=80 host="*.example.com"
    listener https port=443 host="*.example.com" certificate=example-com
    listener https-default-tls-mode port=8443 host="*.foo.com" certificate=foo-com
  }
}
"#,
        apps: &[("foo-app", 80), ("foo-orders-app", 80), ("bar-app", 80)],
        kdl: r#"
certificate example-com tenant=shop issuer=ca { host "*.example.com" }
certificate foo-com tenant=shop issuer=ca { host "*.foo.com" }
route foo tenant=shop gateway=example-gateway listener=https {
  host "foo.example.com"
  rule path="/" { to foo-app }
  rule path="/orders" { to foo-orders-app }
}
route bar tenant=shop gateway=example-gateway listener=https {
  host "bar.example.com"
  rule path="/" { to bar-app }
}
"#,
        ..NEW
    },
    Case {
        files: &["examples/standard/basic-grpc.yaml"],
        same: &[("Gateway", "my-gateway", 0), ("GRPCRoute", "grpc-app-1", 0)],
        platform: "tenant shop { gateway my-gateway class=example { listener https port=50051 certificate=example-com-cert } }",
        apps: &[("my-service1", 50051), ("my-service2", 50051)],
        kdl: r#"
certificate example-com-cert tenant=shop issuer=ca { host "example.com" }
route grpc-app-1 tenant=shop gateway=my-gateway protocol=grpc {
  host "example.com"
  rule { call service="com.example.User" method=Login; to my-service1 }
  rule { call service="com.example.Things" method=DoThing; header magic foo; to my-service2 }
}
"#,
        ..NEW
    },
    Case {
        files: &[
            "examples/standard/grpc-routing/gateway.yaml",
            "examples/standard/grpc-routing/reflection-grpcroute.yaml",
            "examples/standard/grpc-routing/bar-grpcroute.yaml",
        ],
        same: &[
            ("Gateway", "example-gateway", 0),
            ("GRPCRoute", "example-route", 0),
            ("GRPCRoute", "foo-route", 0),
            ("GRPCRoute", "bar-route", 0),
        ],
        platform: "tenant shop { gateway example-gateway class=example-gateway-class { listener grpc port=50051 certificate=example-com-cert } }",
        apps: &[
            ("example-svc", 50051),
            ("foo-svc", 50051),
            ("bar-svc", 50051),
            ("bar-svc-canary", 50051),
        ],
        kdl: r#"
certificate example-com-cert tenant=shop issuer=ca { host "example.com"; host "*.example.com" }
route example-route tenant=shop gateway=example-gateway protocol=grpc { host "example.com"; rule { to example-svc } }
route foo-route tenant=shop gateway=example-gateway protocol=grpc {
  host "foo.example.com"
  rule { call service="com.example.User" method=Login; to foo-svc }
  rule { call service="grpc.reflection.v1.ServerReflection"; to foo-svc }
}
route bar-route tenant=shop gateway=example-gateway protocol=grpc {
  host "bar.example.com"
  rule { header env canary; to bar-svc-canary }
  rule { to bar-svc }
}
"#,
        ..NEW
    },
    Case {
        files: &[
            "examples/standard/tls-routing/gateway.yaml",
            "examples/standard/tls-routing/tls-route.yaml",
        ],
        same: &[
            ("Gateway", "example-gateway", 0),
            ("TLSRoute", "example-route", 0),
        ],
        platform: "tenant shop { gateway example-gateway class=example-gateway-class { listener tls port=443 protocol=tls } }",
        apps: &[("example-svc", 443)],
        kdl: r#"
route example-route tenant=shop gateway=example-gateway protocol=tls listener=tls {
  host "example.com"
  rule { to example-svc }
}
"#,
        ..NEW
    },
    Case {
        files: &["examples/experimental/basic-tcp.yaml"],
        same: &[
            ("Gateway", "my-tcp-gateway", 0),
            ("TCPRoute", "tcp-app-1", 0),
            ("TCPRoute", "tcp-app-2", 0),
        ],
        platform: r#"
tenant shop {
  gateway my-tcp-gateway class=my-tcp-gateway-class {
    listener foo port=8080 protocol=tcp
    listener bar port=8090 protocol=tcp
  }
}
"#,
        apps: &[("my-foo-service", 6000), ("my-bar-service", 6000)],
        kdl: r#"
route tcp-app-1 tenant=shop gateway=my-tcp-gateway protocol=tcp listener=foo { rule { to my-foo-service } }
route tcp-app-2 tenant=shop gateway=my-tcp-gateway protocol=tcp listener=bar { rule { to my-bar-service } }
"#,
        ..NEW
    },
    Case {
        files: &["examples/standard/http-request-mirroring/httproute-mirroring.yaml"],
        same: &[("HTTPRoute", "http-filter-mirror", 0)],
        unsaid: &[("HTTPRoute", "/metadata/labels/gateway", SELECTS_NOTHING)],
        platform: "tenant shop { gateway mirror-gateway class=example { listener http port=80 } }",
        apps: &[("foo-v1", 8080), ("foo-v2", 8080)],
        kdl: r#"
route http-filter-mirror tenant=shop gateway=mirror-gateway {
  host "mirror.example"
  rule { to foo-v1; mirror foo-v2 }
}
"#,
        ..NEW
    },
];

#[tokio::test]
async fn examples_of_the_gateway_api_are_said_in_kdl() {
    assert!(reproduced(&["gateway-api", "traefik"], CASES).await >= 20);
}
