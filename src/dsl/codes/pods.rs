//! Codes 510–529: rules about the parts of a pod, for every kind that has one.

use super::{PLATFORM, WEB, shown};

catalogue! {
    NO_VERSION = 510, "An image without a version in some environment",
    "Every image says which version of it runs, so that the same commit always means the same program. \
     Write `version \"1.0.0\"` in the resource, or in the `in` block of each environment.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  in prod { version \"1.0.0\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.1.0\"\n  in prod { version \"1.0.0\" }\n}\n")],
    );

    WHICH_NAMESPACE = 511, "A namespace that is missing",
    "The tenant has several namespaces, declared in its `tenant` node, and the resource does not say in which of \
     them it lives. Write `namespace=` with one of them.",
    shown(
        &[("platform/tenants.kdl", "tenant web { namespace core; namespace batch }\ntenant stock\n"),
          (WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[("platform/tenants.kdl", "tenant web { namespace core; namespace batch }\ntenant stock\n"),
          (WEB, "app shop tenant=web namespace=core {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    ENV_SOURCE = 512, "A variable without a value, with two, or with half a reference",
    "An environment variable has exactly one source: a value, `secret=NAME key=KEY`, `config=NAME key=KEY` or \
     `fact=…`. To change the source for an environment write `(replace)NAME …`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { POD_NAME \"shop\" fact=pod-name }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { POD_NAME fact=pod-name }\n}\n")],
    );

    SECRET_LITERAL = 513, "A literal that looks like a secret",
    "By its name this variable holds a secret, and its value could be read by everyone who can read the repository. \
     Take it from a `secret`; if it is none, say so with `public=#true`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { PAYMENT_TOKEN \"tok-42\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { PAYMENT_TOKEN \"tok-42\" public=#true }\n}\n")],
    );

    NO_SUCH_KEY = 514, "A key that the secret does not offer",
    "A `secret` lists its keys, and this one is not among them, so the pod would never start.",
    shown(
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/web/db\" { keys username password }\napp shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { DB_PASSWORD secret=db key=pasword }\n}\n")],
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/web/db\" { keys username password }\napp shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { DB_PASSWORD secret=db key=password }\n}\n")],
    );

    FOREIGN_SECRET = 515, "A secret of another tenant",
    "A pod reads secrets of its own namespace only, so the secret of another tenant is of no use, exported or not. \
     Declare a `secret` of your own that reads the same path of the store, if the store lets you.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { DB_PASSWORD secret=\"stock/db\" key=password }\n}\n")],
        &[(PLATFORM, "secret-store vault server=\"https://vault.shop.example\" {\n  allow tenant=web \"kv/web/*\"\n}\n"), (WEB, "secret db tenant=web from=\"vault:kv/web/db\" { keys username password }\napp shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { DB_PASSWORD secret=db key=password }\n}\n")],
    );

    UNKNOWN_PART = 516, "A part that the same resource does not declare",
    "A port, volume or configuration is declared in the resource and then used by its name, and there is none of \
     this name.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  probe readiness path=\"/\" port=htpp\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  probe readiness path=\"/\" port=http\n}\n")],
    );

    PROBE = 517, "A probe that cannot be asked",
    "A probe asks in one way, `path`, `grpc`, `exec` or a `port` alone, and it must be clear which port is asked. \
     Containers of `init` run to their end and have none.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  probe liveness path=\"/\" grpc=\"\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  probe liveness path=\"/\"\n}\n")],
    );

    LIMIT_BELOW = 518, "A limit below its request",
    "A container is promised what it requests and stopped at its limit, so a limit below the request cannot be kept. \
     Raise the limit or lower the request.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 resources { requests memory=\"256Mi\"; limits memory=\"128Mi\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 resources { requests memory=\"128Mi\"; limits memory=\"256Mi\" }\n}\n")],
    );

    SAME_IN_POD = 519, "The same name or port twice in one pod",
    "Containers of one pod share its address and its list of names, so names of containers, names of ports and \
     numbers of ports are each there once.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  port admin 8080\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  port admin 9090\n}\n")],
    );

    SAME_MOUNT = 520, "Two mounts at one path",
    "Two things are mounted at one path of a container, and one of them would hide the other. Give one another path.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 volume a mount=\"/data\" ephemeral=#true\n  volume b mount=\"/data\" ephemeral=#true\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 volume a mount=\"/data/a\" ephemeral=#true\n  volume b mount=\"/data/b\" ephemeral=#true\n}\n")],
    );

    VOLUME = 521, "A volume that is two things, or lacks what it needs",
    "A volume is one of: kept storage of a `size`, scratch space (`ephemeral`), an existing `claim`, the keys of a \
     `secret`, or a path of the node. Only kept storage has a class, and only a secret has items.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  volume data mount=\"/data\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  volume data mount=\"/data\" size=\"10Gi\"\n}\n")],
    );

    OPENS_NODE = 522, "Something that opens the node, written by a tenant",
    "Whoever gets onto a node reaches all tenants on it. What leads there, such as privileged containers, root, \
     namespaces or paths of the node, is for paths of the platform only.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  security privileged=#true\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  security user=1000\n}\n")],
    );

    NOT_SECONDS = 523, "A time that is no number of whole seconds",
    "The cluster counts this time in whole seconds, from one upward. Rounding it silently would be a surprise.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"1500ms\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"2s\"\n}\n")],
    );

    CONFIG_FILE = 524, "A file of configuration without content, with two, or that cannot be read",
    "A file has its text right behind its name or comes `from` a text file of the repository, one of the two. \
     The path starts at the directory of the KDL file, and the file must belong to the same owner.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  config settings { file \"shop.toml\" from=\"shop.toml\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  config settings { file \"shop.toml\" from=\"shop.toml\" }\n}\n"),
          ("tenants/web/shop.toml", "basket = 50\n")],
    );
}
