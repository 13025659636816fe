//! Codes 100–299: the form of a node, and one field against the schema of its kind.

use super::{PLATFORM, WEB, shown};

catalogue! {
    SET_TWICE = 102, "A field that is written twice",
    "Within one layer a fact has one place. Where the same field stands twice nobody can tell which one holds. \
     Keep one of the two; to change it for an environment, write it in an `in` block.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n  replicas 3\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n  in prod { replicas 3 }\n}\n")],
    );

    NEEDS_VALUE = 103, "A node without the value or name it needs",
    "A field holds a value, and every resource has a name; both are written right behind the node's own name. \
     `kubemate explain KIND` shows the form.",
    shown(
        &[(PLATFORM, "tenant {\n  namespace core\n}\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    TOO_MANY_VALUES = 104, "More values than the node takes",
    "The node takes fewer plain values than are written. Often a name is missing before `=`, or two nodes stand \
     on one line without `;` between them.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 80 8080\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080 service=80\n}\n")],
    );

    NO_PLACE = 105, "A property, value or block where the node takes none",
    "Some nodes hold a single value, others only a block. `kubemate explain KIND.FIELD` shows what this one takes.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env LOG_LEVEL=info\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  env { LOG_LEVEL info }\n}\n")],
    );

    UNKNOWN_MARK = 106, "A mark that means nothing",
    "Before a node in an `in` block may stand `(remove)`, which drops what was set before, or `(replace)`, which \
     forgets it instead of merging. Nothing else has a meaning there.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n  in dev { (override)replicas 1 }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n  in dev { replicas 1 }\n}\n")],
    );

    UNKNOWN_FIELD = 201, "A name that is no field of its node",
    "The kind has no field of this name, so it would have no effect. Most often it is misspelt: then the message \
     names the field that is meant. `kubemate explain KIND` lists all fields.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicsa 2\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n}\n")],
    );

    MISSING_FIELD = 202, "A required field that is not set",
    "The resource means nothing without this field, and there is no default that would be right for everybody. \
     Set it in the resource, in a profile that it uses, or in every environment.",
    shown(
        &[(WEB, "app shop tenant=web {\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    NOT_ONE_OF = 203, "A word outside a fixed list",
    "This field takes one of a few words, which the message lists. `kubemate explain KIND.FIELD` says what each means.",
    shown(
        &[(WEB, "app shop tenant=web workload=statefull {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web workload=stateful {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    BAD_VALUE = 204, "A value that its field cannot take",
    "Amounts, times, addresses, host names and the like have a form, and this text does not have it. \
     The message says what is allowed.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"half a minute\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"30s\"\n}\n")],
    );

    WRONG_TYPE = 205, "A text where a number belongs, or the like",
    "The field takes a value of another type: a number is written without quotes, a flag as `#true` or `#false`, \
     a text in quotes or as a bare word.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas \"2\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  replicas 2\n}\n")],
    );

    BAD_NAME = 206, "A name that cannot be one",
    "Names become names of objects in the cluster, so they follow its rules: most have lower-case letters, digits \
     and `-`, and start with a letter. The message says what is wrong with this one.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  volume Cache_1 mount=\"/cache\" ephemeral=#true\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  volume cache-1 mount=\"/cache\" ephemeral=#true\n}\n")],
    );

    OUT_OF_RANGE = 207, "A number or count outside its limits",
    "The value has the right type and is too small, too large or too long for this field. The message names the limit.",
    shown(
        &[(WEB, "app shop tenant=web workload=job {\n  image i\n  version \"1.0.0\"\n  run \"2026\"\n  retries 1000\n}\n")],
        &[(WEB, "app shop tenant=web workload=job {\n  image i\n  version \"1.0.0\"\n  run \"2026\"\n  retries 10\n}\n")],
    );
}
