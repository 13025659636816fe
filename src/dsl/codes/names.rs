//! Codes 400–499: names, references, who owns what, and the tree of files.

use super::Example::Unshown;
use super::{PLATFORM, ROOT, WEB, shown};

catalogue! {
    NO_PROJECT = 400, "A repository without a project",
    "A directory becomes a project by its file `kubemate.kdl` with one `project` node. \
     `kubemate new project NAME` writes it.",
    shown(
        &[(ROOT, "let registry=\"registry.example\"\n")],
        &[(ROOT, "project shop schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                  environment dev { cluster lab }\n}\n")],
    );

    UNKNOWN_KIND = 401, "A top-level node of no known kind",
    "The first word of a top-level node is the kind of the resource, and there is no such kind. \
     `kubemate explain` lists the kinds.",
    shown(
        &[(PLATFORM, "tennant depot\n")],
        &[(PLATFORM, "tenant depot\n")],
    );

    IDLE_INCLUDE = 402, "An include that matches no file",
    "The pattern fits no file, so it includes nothing. It is a warning, because a directory may be filled later; \
     most often the pattern is misspelt.",
    shown(
        &[(ROOT, "project shop schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                  environment dev { cluster lab }\n  include \"platform/*.kdl\" \"tenats/**/*.kdl\"\n}\n")],
        &[(ROOT, "project shop schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                  environment dev { cluster lab }\n  include \"platform/*.kdl\"\n}\n")],
    );

    CLASHING_PATHS = 403, "Two paths that are the same on some machines",
    "The two paths differ only in upper and lower case, or in characters that nobody sees. On some machines one \
     file would overwrite the other. Rename one of them.",
    shown(
        &[("platform/Depot.kdl", "tenant depot\n"), ("platform/depot.kdl", "tenant store\n")],
        &[("platform/depot.kdl", "tenant depot\n"), ("platform/store.kdl", "tenant store\n")],
    );

    DUPLICATE = 404, "The same kind and name twice",
    "A kind and a name are declared once per tenant. Two resources of one name would overwrite each other in the \
     cluster. Give one of them another name, or change the first in an `in` block.",
    shown(
        &[(PLATFORM, "tenant web\n")],
        &[(PLATFORM, "tenant depot\n")],
    );

    DANGLING = 405, "A reference to something that does not exist",
    "The field names another resource, and there is none of this kind and name in sight. \
     It may be misspelt, belong to another tenant, or not be written yet.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  needs app=databse\n}\n\
                 app database tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  needs app=database\n}\n\
                 app database tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    NOT_EXPORTED = 406, "A reference to something that another tenant does not export",
    "Across tenants only what is exported can be referred to: the other tenant writes `export YOU` in its resource, if \
     it is of a kind that has this. Whether the name exists at all is theirs to tell, so both cases read the same.",
    shown(
        &[(WEB, "app shop tenant=web namespace=\"stock/core\" {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    OWNERSHIP = 410, "A rule of ownership that says nothing or two things",
    "A path belongs either to the platform, `owner=platform`, or to a tenant, `tenant=NAME`.",
    shown(
        &[(ROOT, "project shop schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                  environment dev { cluster lab }\n  ownership { path \"tenants/web/**\" }\n}\n")],
        &[(ROOT, "project shop schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                  environment dev { cluster lab }\n  ownership { path \"tenants/web/**\" tenant=web }\n}\n")],
    );

    WRONG_PATH = 411, "A resource on a path of another owner",
    "The project says which paths belong to whom, and a tenant's files may only speak of that tenant. \
     Move the resource, or correct its `tenant=`.",
    shown(
        &[(WEB, "app shop tenant=stock {\n  image i\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    PLATFORM_ONLY = 412, "A kind that only the platform may write",
    "Tenants, roles, stores and the like decide over the borders of tenants, so they live on paths of the platform. \
     Ask the platform team, or move the resource.",
    shown(
        &[(WEB, "tenant depot\n")],
        &[(PLATFORM, "tenant depot\n")],
    );

    CLAIMED_TWICE = 413, "A name that two resources claim",
    "Some names exist once per cluster or environment whoever writes them: namespaces, hosts, ports of nodes. \
     Two resources ask for the same one; give one of them another.",
    shown(
        &[(PLATFORM, "tenant web-shop\ntenant depot { namespace core }\ntenant depot-core\n")],
        &[(PLATFORM, "tenant web-shop\ntenant depot { namespace core }\ntenant store\n")],
    );

    SAME_IN_ENVIRONMENTS = 414, "A host that is the same in two environments",
    "A host name leads to one place, so it can serve one environment only. Use a `let` of the environment in it, \
     as in `\"shop.${domain}\"`, or override it in an `in` block.",
    shown(
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener http port=80 host=\"depot.example\" { redirect scheme=https }\n  }\n}\n")],
        &[(PLATFORM, "tenant depot {\n  gateway public {\n    listener http port=80 host=\"depot.${domain}\" { redirect scheme=https }\n  }\n}\n")],
    );

    OWN_RULES = 415, "A file that a change gives to another owner by its own rules",
    "A change is judged by the rules of ownership that it starts from. It may propose other rules, but a file that \
     it touches must belong to the same owner by both. Change the rules first, in a pull request that the platform \
     team approves, then the files.",
    Unshown("it takes two revisions");

    UNUSABLE_FILE = 420, "A file that cannot be used",
    "A file of the project is a text in UTF-8 of at most 1 MiB that can be read; links are not followed. \
     The message says which of it does not hold here.",
    Unshown("an unreadable file, a link or bytes that are no text cannot be printed here");

    TREE_TOO_LARGE = 421, "A tree over its limits",
    "A project has at most 20,000 files and 64 MiB in all. Leave out what is not part of it with `include`.",
    Unshown("it takes 20,001 files");

    EXPECTATION = 430, "An expectation that asks nothing, or two things",
    "An `expect` looks at one resource or object and says one thing about it: `equals`, `at-least`, `at-most`, \
     `contains` or `absent`. Write one `expect` for each.",
    shown(
        &[("tests/shop.kdl", "test \"the shop stands\" {\n  expect tenant=web field=name\n}\n")],
        &[("tests/shop.kdl", "test \"the web team is there\" {\n  expect tenant=web field=name equals=web\n}\n")],
    );

    INTERNAL = 499, "A fault of kubemate",
    "The schema of a kind accepted what its type refuses. This is never the fault of a file: please report it \
     together with the resource.",
    Unshown("it would be a fault of kubemate");
}
