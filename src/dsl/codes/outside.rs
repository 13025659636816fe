//! Codes 600–999: what is found when files become objects, and by the machinery around.

use super::Example::Unshown;

catalogue! {
    CANNOT_RENDER = 601, "A resource that cannot be rendered",
    "The resource is valid and its objects cannot be written: a template misses something, or what it wrote is no \
     object. The message says at which field.",
    Unshown("valid resources render");

    RENDERED_TWICE = 602, "The same object from two resources",
    "Two resources become an object of the same kind, namespace and name, and one would overwrite the other. \
     Give one of the two another name.",
    Unshown("it shows when objects are rendered, not when files are judged");

    FORBIDDEN_OBJECT = 603, "An object that its owner may not write",
    "A tenant's set may hold only kinds that cannot widen its own rights, and only in its own namespaces.",
    Unshown("it shows when objects are rendered, not when files are judged");

    TOO_MANY_OBJECTS = 604, "A set with too many objects",
    "One set may have 20,000 objects. Split the tenant, or move what is not its own to another set.",
    Unshown("it takes more than 20,000 objects");

    BAD_MANIFEST = 605, "A manifest that cannot be used as it is written",
    "What `manifests` takes from YAML is read strictly: no key twice, no anchors or tags, an `apiVersion`, a `kind` and \
     a name, a namespace where the kind needs one, and nothing that only the API server may write.",
    Unshown("it shows when files of YAML are read");

    WORKER_FAILED = 901, "Files that could not be judged",
    "The files of each owner are judged in a process of their own with bounded memory and time, and this one did not \
     come back. The other owners are not affected. Look for the newest change below the path that is named.",
    Unshown("it takes a process that dies");
}
