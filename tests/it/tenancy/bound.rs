//! Attempts to have more than was given: quota, limits, classes, queues.

use super::rows::{By, Row, Sent, object, resource};

pub(super) const ROWS: &[Row] = &[
    resource(
        "more CPU than the quota",
        "app escape tenant=web replicas=6 { image \"example/x\"; version \"1\"; resources { requests cpu=2 memory=\"1Gi\"; limits memory=\"1Gi\" } }",
        ("KM0548", "its quota is 10"),
        Sent::Idle(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape-quota, namespace: WEB}\nspec: {replicas: 6, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {POD, containers: [{name: c, image: x, CONTAINER, resources: {requests: {cpu: '2', memory: 1Gi}, limits: {cpu: '2', memory: 1Gi}}}]}}}\n",
            "exceeded quota: kubemate-quota",
        ),
        By::Bounds,
    ),
    resource(
        "a container above the limits",
        "app escape tenant=web { image \"example/x\"; version \"1\"; resources { requests cpu=1 memory=\"5Gi\"; limits memory=\"5Gi\" } }",
        ("KM0549", "5Gi"),
        Sent::Idle(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape-limits, namespace: WEB}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {POD, containers: [{name: c, image: x, CONTAINER, resources: {requests: {cpu: '1', memory: 5Gi}, limits: {memory: 5Gi}}}]}}}\n",
            "maximum memory usage per Container is 4Gi",
        ),
        By::Bounds,
    ),
    resource(
        "more storage of a class than was given",
        "app escape tenant=web workload=stateful { image \"example/x\"; version \"1\"; volume data mount=\"/data\" size=\"2Gi\" class=ssd per-replica=#true }",
        ("KM0548", "its quota is 1Gi"),
        Sent::Object(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: escape, namespace: WEB}\nspec: {accessModes: [ReadWriteOnce], storageClassName: ssd, resources: {requests: {storage: 2Gi}}}\n",
        ),
        By::Bounds,
    ),
    resource(
        "a port on every node, where the quota counts none",
        "app escape tenant=web { image \"example/x\"; version \"1\"; port http 80; expose http as=node-port }",
        ("KM0548", "its quota is 0"),
        Sent::Object(
            "apiVersion: v1\nkind: Service\nmetadata: {name: escape, namespace: WEB}\nspec: {type: NodePort, ports: [{port: 80}]}\n",
        ),
        By::Bounds,
    ),
    resource(
        "a priority class of the system",
        "app escape tenant=web { image \"example/x\"; version \"1\"; placement priority=system-cluster-critical }",
        ("KM0564", "has no priority class"),
        Sent::Object(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {priorityClassName: system-cluster-critical, containers: [{name: c, image: x}]}}}\n",
        ),
        By::Policy("which has: batch"),
    ),
    object(
        "a priority class of others for a job",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Job }",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, namespace: WEB}\nspec: {template: {spec: {restartPolicy: Never, priorityClassName: payments-first, containers: [{name: c, image: x}]}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: batch"),
    ),
    object(
        "a priority class in a template of jobs",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds CronJob }",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: escape, namespace: WEB}\nspec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, priorityClassName: payments-first, containers: [{name: c, image: x}]}}}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: batch"),
    ),
    object(
        "a queue of others",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Job }",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, namespace: WEB, labels: {kueue.x-k8s.io/queue-name: payments}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: nightly"),
    ),
    object(
        "a queue of others for the pods of a Deployment",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Deployment }",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, kueue.x-k8s.io/queue-name: payments}}, spec: {containers: [{name: c, image: x}]}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: nightly"),
    ),
    object(
        "a queue of others in a template of jobs",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds CronJob }",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: escape, namespace: WEB}\nspec: {schedule: '0 0 * * *', jobTemplate: {metadata: {labels: {kueue.x-k8s.io/queue-name: payments}}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: nightly"),
    ),
    object(
        "a place before others in a queue",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Job }",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, namespace: WEB, labels: {kueue.x-k8s.io/queue-name: nightly, kueue.x-k8s.io/priority-class: payments-first}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}\n",
        "is not one of the tenant's",
        By::Policy("which has: batch"),
    ),
    Row {
        name: "a job that says a controller made it",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds Job }",
        yaml: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, uid: 5f1f4b1c-0000-4000-8000-000000000001, controller: true}]}\nspec: {template: {spec: {restartPolicy: Never, priorityClassName: payments-first, containers: [{name: c, image: x}]}}}\n",
        told: ("KM0605", "metadata.ownerReferences"),
        sent: Sent::Object(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, uid: 5f1f4b1c-0000-4000-8000-000000000001, controller: true}]}\nspec: {template: {spec: {restartPolicy: Never, priorityClassName: payments-first, containers: [{name: c, image: x}]}}}\n",
        ),
        by: By::Claim("which has: batch"),
    },
];
