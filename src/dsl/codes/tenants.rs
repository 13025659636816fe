//! Codes 501 and 540–569: rules about tenants, their borders, and what the platform gives them.

use super::Example::Unshown;
use super::{PLATFORM, WEB, shown};

catalogue! {
    STORE_TOO_WIDE = 501, "A store that lets a tenant read everything",
    "A tenant reads the paths of a store that are its own. A bare `*` opens the secrets of all others, too: \
     name the tenant's folder.",
    shown(
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"*\"\n}\n")],
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n")],
    );

    ENCRYPTED_FILE = 540, "An encrypted file that no secret can be taken from",
    "A file that `sops` names must be encrypted by SOPS for an age recipient, hold text under the keys that are \
     taken, and be one that the platform lets the tenant keep. All of that is seen without a key; whether the values \
     are those that were encrypted is seen where the key is, before anything is written.",
    Unshown("what is wrong stands in another file");

    RESERVED_NAME = 541, "A name that Kubernetes or kubemate keeps for itself",
    "Some names and labels belong to the system: namespaces of the control plane, `system:` accounts, our own \
     labels. Choose another one.",
    shown(
        &[(PLATFORM, "tenant depot {\n  member \"system:masters\" kind=group role=admin\n}\n")],
        &[(PLATFORM, "tenant depot {\n  member masters kind=group role=admin\n}\n")],
    );

    LISTENER_CLASH = 543, "Two listeners on one port and host",
    "A request goes to the listener of its port and host, and here two could take it. Give one of them another port \
     or host.",
    shown(
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener a port=80 host=\"depot.${domain}\"\n    \
                      listener b port=80 host=\"depot.${domain}\"\n  }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener a port=80 host=\"depot.${domain}\"\n    \
                      listener b port=80 host=\"goods.${domain}\"\n  }\n}\n")],
    );

    LISTENER_FORM = 544, "A listener whose fields do not fit together",
    "https shows a certificate and nothing else does, port 443 speaks https, only plain http is redirected, and a tcp \
     listener cannot tell hosts apart.",
    shown(
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener https port=443 host=\"depot.${domain}\" protocol=https\n  }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener http port=80 host=\"depot.${domain}\" protocol=http\n  }\n}\n")],
    );

    NETWORK_RULE = 545, "A network rule that names nobody, or two",
    "One rule opens the border for one other side: a word such as `ingress`, `tenant=NAME` or `cidr=…`. \
     Write one rule for each.",
    shown(
        &[(PLATFORM, "tenant depot {\n  network { to internet cidr=\"10.20.0.0/16\" }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  network { to internet; to cidr=\"10.20.0.0/16\" }\n}\n")],
    );

    COVERED = 546, "A rule that says nothing new",
    "Another rule, or the isolation itself, lets this traffic through already. It is a warning: nothing is wrong, \
     but whoever removes one of the two will be surprised.",
    shown(
        &[(PLATFORM, "tenant depot {\n  network { to internet; to tenant=depot }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  network { to internet }\n}\n")],
    );

    ONE_SIDED = 547, "A network rule that the other side does not let through",
    "Traffic between tenants passes two borders: one lets it out and the other lets it in. Only one of them does, so \
     nothing gets through yet. It is a warning, because the other tenant may follow later.",
    shown(
        &[(PLATFORM, "tenant depot {\n  network { from tenant=yard port=8080 }\n}\ntenant yard\n")],
        &[(PLATFORM, "tenant depot {\n  network { from tenant=yard port=8080 }\n}\n\
                      tenant yard {\n  network { to tenant=depot port=8080 }\n}\n")],
    );

    OVER_QUOTA = 548, "More than a quota allows",
    "The quota bounds what a tenant's apps or namespaces may request together, and this is more. Lower it, or \
     raise the tenant's `quota`.",
    shown(
        &[(PLATFORM, "tenant depot {\n  quota cpu=8\n  namespace core { quota cpu=16 }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  quota cpu=8\n  namespace core { quota cpu=4 }\n}\n")],
    );

    BAD_LIMITS = 549, "Limits that no container can keep",
    "The least, the default and the most that a container may request stand in this order.",
    shown(
        &[(PLATFORM, "tenant depot {\n  limits { default memory=\"2Gi\"; max memory=\"1Gi\" }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  limits { default memory=\"1Gi\"; max memory=\"2Gi\" }\n}\n")],
    );

    WHICH_ZONE = 550, "A moment without a zone or with two",
    "A date and a time mean different moments in different places. Write the offset from UTC, as in \
     `\"2030-12-01T18:00+08:00\"`, or the zone where the kind has a field for it.",
    shown(
        &[(PLATFORM, "tenant depot {\n  member ana role=admin until=\"2030-12-01T18:00\"\n}\n")],
        &[(PLATFORM, "tenant depot {\n  member ana role=admin until=\"2030-12-01T18:00+08:00\"\n}\n")],
    );

    IMPOSSIBLE_TIME = 551, "A span of time that ends before it starts",
    "The end lies before the start, or the moment is one that no clock in this zone ever shows.",
    shown(
        &[(PLATFORM, "freeze year-end env=prod from=\"2030-12-28T00:00\" to=\"2030-12-05T00:00\" zone=\"Asia/Shanghai\"\n")],
        &[(PLATFORM, "freeze year-end env=prod from=\"2030-12-28T00:00\" to=\"2031-01-05T00:00\" zone=\"Asia/Shanghai\"\n")],
    );

    NO_APPROVERS = 552, "An approval that nobody can give",
    "The approval asks for more people than may give it, or names nobody at all, so every change behind it would \
     wait for ever.",
    shown(
        &[(PLATFORM, "approval change count=3 {\n  approver user=ana\n  approver user=li\n}\n")],
        &[(PLATFORM, "approval change count=2 {\n  approver user=ana\n  approver user=li\n}\n")],
    );

    HOST_TWICE = 553, "A registry's host that another registry has already",
    "One host is described by one `registry`, so that it is clear with which pull secret images are read.",
    shown(
        &[(PLATFORM, "registry harbor host=\"harbor.shop.example\"\nregistry store host=\"harbor.shop.example\"\n")],
        &[(PLATFORM, "registry harbor host=\"harbor.shop.example\"\nregistry store host=\"store.shop.example\"\n")],
    );

    ROLE_TOO_WIDE = 554, "A role that reaches over the borders of a tenant",
    "Roles, bindings, quotas, limits and network policies are the borders of a tenant and come from its `tenant` \
     node. A role may read them and never change them.",
    shown(
        &[(PLATFORM, "role keeper {\n  allow get delete on=\"networking.k8s.io/networkpolicies\"\n}\n")],
        &[(PLATFORM, "role keeper {\n  allow get delete on=\"apps/deployments\"\n}\n")],
    );

    STORE_REFUSES = 555, "A secret that its store does not let the tenant read",
    "The `secret-store` lists which paths a tenant may read, and this one is not among them. Ask the platform team \
     for an `allow`, or read another path.",
    shown(
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/stock/db\" { keys username password }\n")],
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/web/db\" { keys username password }\n")],
    );

    SECRET_SOURCE = 556, "A secret without a source, or with two",
    "A secret comes from a store (`from=\"STORE:PATH\"`) or from an encrypted file (`sops=\"PATH\"`), one of the two.",
    shown(
        &[(WEB, "secret db tenant=web { keys username password }\n")],
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/web/db\" { keys username password }\n")],
    );

    NO_EFFECT = 557, "A resource that rules out nothing and allows nothing",
    "It can be written and would change nothing, so something is missing in it.",
    shown(
        &[(PLATFORM, "role keeper\n")],
        &[(PLATFORM, "role keeper { may plan }\n")],
    );

    CLASS_NOT_SHARED = 558, "A gateway class that is another tenant's alone",
    "The other tenant's gateway is `mode=dedicated`, so what serves it serves nobody else. Name another `class`.",
    shown(
        &[(PLATFORM, "tenant depot {\n  gateway own class=quiet mode=dedicated { listener http port=80 host=\"a.${domain}\" }\n}\n\
                      tenant yard {\n  gateway own class=quiet { listener http port=80 host=\"b.${domain}\" }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  gateway own class=quiet mode=dedicated { listener http port=80 host=\"a.${domain}\" }\n}\n\
                      tenant yard {\n  gateway own { listener http port=80 host=\"b.${domain}\" }\n}\n")],
    );

    IMAGE_REGISTRY = 560, "An image from a registry that a policy does not allow",
    "An `image-policy` names the registries that images may come from in an environment, and this image comes from \
     another one; without a host in front it is `docker.io`. Take it from one of them, or from their copy of it.",
    shown(
        &[(PLATFORM, "registry own host=\"registry.example\"\nimage-policy all { only own }\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(PLATFORM, "registry own host=\"registry.example\"\nimage-policy all { only own }\n"),
          (WEB, "app shop tenant=web {\n  image \"registry.example/i\"\n  version \"1.0.0\"\n}\n")],
    );

    IMAGE_DIGEST = 561, "An image without the digest that a policy asks for",
    "A tag can be moved to other content, a digest cannot. An `image-policy` with `require digest` holds in this \
     environment, so write the digest beside the version.",
    shown(
        &[(PLATFORM, "image-policy fixed env=prod { require digest }\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(PLATFORM, "image-policy fixed env=prod { require digest }\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  in prod {\n    version \"1.0.0\" \
                 digest=\"sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f\"\n  }\n}\n")],
    );

    IMAGE_TAG = 562, "A tag that a policy does not allow",
    "An `image-policy` forbids this tag in the environment, as `latest`, whose content changes without a commit. \
     Name the version that shall run.",
    shown(
        &[(PLATFORM, "image-policy named { deny-tag latest }\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version latest\n}\n")],
        &[(PLATFORM, "image-policy named { deny-tag latest }\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    NOT_GIVEN = 564, "Something that the platform did not give the tenant",
    "Hosts, priority classes, queues and groups of issuers are given to a tenant by name, on the platform's paths, and the API server \
     keeps to the same names. Use one that the tenant has, or ask the platform team for this one.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image \"example/shop\"\n  version \"1\"\n  placement priority=high\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image \"example/shop\"\n  version \"1\"\n}\n")],
    );

    COMPONENT_MISSING = 563, "Something whose component is not declared",
    "Certificates, secrets, routes, triggers and canaries become objects of operators that must be installed. The \
     project declares components and not this one. It is a warning, because only the cluster knows what is there: a \
     plan asks it, and refuses what it does not serve.",
    shown(
        &[(PLATFORM, "component keda version=\"2.20\" external=#true\n"),
          (WEB, "certificate shop tenant=web issuer=own { host \"shop.web.svc\" }\n")],
        &[(PLATFORM, "component cert-manager version=\"1.21\" external=#true\n"),
          (WEB, "certificate shop tenant=web issuer=own { host \"shop.web.svc\" }\n")],
    );
}
