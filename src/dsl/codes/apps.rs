//! Codes 530–539: rules across the fields of an app.

use super::{WEB, shown};

catalogue! {
    REPLICAS_AND_AUTOSCALE = 530, "Replicas and autoscaling together",
    "`replicas` fixes the number of pods and `autoscale` changes it by load; both at once would fight. Keep one; \
     in an `in` block write `(remove)autoscale` or `(remove)replicas` first.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  resources { requests cpu=1 }\n  \
                 autoscale min=2 max=5\n  in dev { replicas 1 }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  resources { requests cpu=1 }\n  \
                 autoscale min=2 max=5\n  in dev { (remove)autoscale; replicas 1 }\n}\n")],
    );

    AUTOSCALE_BOUNDS = 531, "Bounds of autoscaling that cannot hold",
    "The fewest pods are not more than the most, the look-back has one hour at most, and a period belongs to a `by`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  resources { requests cpu=1 }\n  autoscale min=5 max=2\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  resources { requests cpu=1 }\n  autoscale min=2 max=5\n}\n")],
    );

    METRIC = 532, "A metric that cannot be computed",
    "A share such as `target=\"70%\"` is a share of what the pods request, so there must be a request. Other metrics \
     have a value per pod: `average=100`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  autoscale min=2 max=5 { metric cpu target=\"70%\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  resources { requests cpu=1 }\n  \
                 autoscale min=2 max=5 { metric cpu target=\"70%\" }\n}\n")],
    );

    UNFIT_FIELD = 533, "A field that does not fit the workload",
    "Services, stateful programs, daemons, jobs and cron jobs are different things, and this field means nothing for \
     the one chosen with `workload=`. The message says for which it is.",
    shown(
        &[(WEB, "app shop tenant=web workload=daemon {\n  image i\n  version \"1.0.0\"\n  replicas 2\n}\n")],
        &[(WEB, "app shop tenant=web workload=stateful {\n  image i\n  version \"1.0.0\"\n  replicas 2\n}\n")],
    );

    ROLLOUT = 534, "A rollout that cannot be carried out",
    "Each way to replace a version has its own fields and needs: a canary has a period, growing steps and a route \
     whose traffic is moved; a rolling update must be allowed to add or to miss a pod.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  \
                 rollout blue-green every=\"5m\" { steps \"50%\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  \
                 rollout blue-green every=\"5m\"\n}\n")],
    );

    STALE_DIGEST = 535, "A digest of another version",
    "A digest wins over a tag. Here an environment changes the tag and keeps the digest of the version before, so the \
     old image would go on running. Write the digest beside the new version, or `(replace)version …`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  \
                 version \"1.0.0\" digest=\"sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f\"\n  \
                 in dev { version \"1.1.0\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  \
                 version \"1.0.0\" digest=\"sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f\"\n  \
                 in dev { (replace)version \"1.1.0\" }\n}\n")],
    );

    NEEDS_CYCLE = 536, "Apps that wait for each other",
    "`needs` lets an app wait until another is there. These wait in a circle, so none of them could ever start. \
     Drop one of the `needs`.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  needs app=shop\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  needs app=cart\n}\n\
                 app cart tenant=web {\n  image i\n  version \"1.0.0\"\n}\n")],
    );

    VOLUME_OF_ONE_NODE = 537, "A volume of one node for pods on several",
    "The pods of this app run on several nodes, and the volume can be used on one. Give each pod its own with \
     `per-replica=#true`, or write `access=many` if the storage can.",
    shown(
        &[(WEB, "app shop tenant=web replicas=3 {\n  image i\n  version \"1.0.0\"\n  volume data mount=\"/data\" size=\"10Gi\"\n}\n")],
        &[(WEB, "app shop tenant=web replicas=3 {\n  image i\n  version \"1.0.0\"\n  \
                 volume data mount=\"/data\" size=\"10Gi\" access=many\n}\n")],
    );

    CONTRADICTION = 538, "Fields that contradict each other",
    "Each field alone is right and together they cannot hold: two ways to start, a drain that is longer than the \
     time to end, two bounds of one budget. The message says which one to drop.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"10s\" drain=\"20s\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  shutdown grace=\"30s\" drain=\"20s\"\n}\n")],
    );

    NAME_TOO_LONG = 539, "A name that gets too long in the cluster",
    "Names of objects are made of several names and have 63 characters at most, those of cron jobs 52. \
     Shorten one of the parts.",
    shown(
        &[(WEB, "app a-shop-with-a-name-that-tells-everything-about-it tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 config settings-of-the-shop { value basket \"50\" }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  \
                 config settings-of-the-shop { value basket \"50\" }\n}\n")],
    );

    NODE_PORT = 542, "A port that API servers do not offer on nodes",
    "API servers hand out 30000 to 32767 on nodes, unless they are started with another range. One that does not \
     know the number refuses the Service when it is written, and says nothing in a dry-run.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  \
                 expose http as=node-port node-port=8080\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  port http 8080\n  \
                 expose http as=node-port node-port=30080\n}\n")],
    );
}
