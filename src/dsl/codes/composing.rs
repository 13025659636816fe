//! Codes 300–399: values with names, profiles, and what environments change.

use super::Example::Unshown;
use super::{PLATFORM, WEB, shown};

catalogue! {
    UNKNOWN_VARIABLE = 301, "`${name}` that nothing defines",
    "A name in `${…}` is defined by a `let` of the project, the environment or the file, is a parameter of the \
     profile, or is built in: environment, cluster, tenant, namespace. To mean the text itself write `$${name}`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image \"${registri}/shop\"\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image \"${registry}/shop\"\n  version \"1.0.0\"\n}\n")],
    );

    OPEN_VARIABLE = 302, "`${` without `}`",
    "`${` starts a name that ends with `}` in the same text. Close it, or write `$${` to mean the characters.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image \"${registry/shop\"\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image \"${registry}/shop\"\n  version \"1.0.0\"\n}\n")],
    );

    HITS_NOTHING = 303, "A removal or replacement of something that is not there",
    "`(remove)` and `(replace)` say that something was set before, and nothing was. It may have been renamed or \
     dropped since. An override that silently does nothing is a trap, so it is an error.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  in dev { (remove)replicas }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n  in dev { (remove)replicas }\n}\n")],
    );

    NO_SUCH_RESOURCE = 304, "An `in` block for a resource that does not exist",
    "A top-level `in ENVIRONMENT { … }` changes resources that are declared elsewhere; it declares none. \
     Check kind, name and tenant.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\nin prod {\n  app shopp tenant=web { replicas 3 }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\nin prod {\n  app shop tenant=web { replicas 3 }\n}\n")],
    );

    UNKNOWN_ENVIRONMENT = 305, "An environment or cluster that the project does not have",
    "Environments and clusters are declared in the project file, and every `in` block names some of them. \
     An environment also needs at least one cluster to run on.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  in production { replicas 3 }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  in prod { replicas 3 }\n}\n")],
    );

    BUILT_IN = 306, "A `let` that hides a built-in name",
    "environment, cluster, tenant and namespace always mean the place that a resource is composed for. \
     A `let` of that name would change what every reader expects.",
    shown(
        &[(WEB, "let tenant=\"shop\"\n")],
        &[(WEB, "let brand=\"shop\"\n")],
    );

    VARIABLE_CYCLE = 307, "Values that are made of each other",
    "A `let` may use other names, and these form a circle or a chain that is too long, or they multiply \
     each other beyond 50,000 replacements. \
     Write one of them as a plain text.",
    shown(
        &[(WEB, "let a=\"${b}\" b=\"${a}\"\napp shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"${a}\"\n}\n")],
        &[(WEB, "let a=\"${b}\" b=\"text\"\napp shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"${a}\"\n}\n")],
    );

    TEXT_TOO_LONG = 308, "A text over the limit after replacement",
    "With its `${…}` replaced the text has more than 64 KiB. Names that repeat each other grow fast; \
     long content belongs in a file.",
    Unshown("the text would have to grow beyond 64 KiB");

    UNKNOWN_PROFILE = 310, "A profile that does not exist",
    "`use NAME` takes over the fields of `profile NAME`, from the owner's own files or from the platform's. \
     There is none of this name in sight.",
    shown(
        &[(PLATFORM, "profile http-service { port http 8080 }\n"),
          (WEB, "app shop tenant=web {\n  use http-servise\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(PLATFORM, "profile http-service { port http 8080 }\n"),
          (WEB, "app shop tenant=web {\n  use http-service\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    USE_CYCLE = 311, "A profile that uses itself",
    "Profiles may use profiles, and these lead back to where they started. The message shows the circle; \
     drop one `use` of it.",
    shown(
        &[(WEB, "profile a { use b; replicas 2 }\nprofile b { use a; retries 1 }\n\
                 app shop tenant=web {\n  use a\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "profile a { use b; replicas 2 }\nprofile b { port http 8080 }\n\
                 app shop tenant=web {\n  use a\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    USE_TOO_DEEP = 312, "Too many levels of `use`",
    "Profiles may use each other four levels deep, and a resource may be made of 64 of them. \
     Beyond that nobody can tell where a value comes from: put the fields together in fewer profiles.",
    shown(
        &[(WEB, "profile p1 { use p2 }\nprofile p2 { use p3 }\nprofile p3 { use p4 }\nprofile p4 { use p5 }\n\
                 profile p5 { replicas 2 }\napp shop tenant=web {\n  use p1\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "profile p1 { use p2 }\nprofile p2 { replicas 2 }\n\
                 app shop tenant=web {\n  use p1\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    UNKNOWN_PARAMETER = 313, "A parameter that a profile does not have, or that is not given",
    "The parameters of a profile are the properties behind its name, with their defaults; `#null` says that \
     every `use` must give a value. This `use` names another one, or leaves one out.",
    shown(
        &[(PLATFORM, "profile http-service port=8080 { port http \"${port}\" }\n"),
          (WEB, "app shop tenant=web {\n  use http-service prot=9000\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(PLATFORM, "profile http-service port=8080 { port http \"${port}\" }\n"),
          (WEB, "app shop tenant=web {\n  use http-service port=9000\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    TOO_MANY_FIELDS = 314, "A resource with too many values",
    "A composed resource may hold 10,000 values. Split it into several resources.",
    Unshown("it takes more than 10,000 values");
}
