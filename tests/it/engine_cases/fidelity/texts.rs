//! Random projects in KDL and edits of them: a tenant, apps, a route, a secret, a certificate, each of
//! slots that are empty or filled in one of several ways.

use kubemate::object::{Desired, ObjectKey};
use kubemate::source::SourceTree;

use super::project::Random;
use crate::engine::written::{Written, written};
use crate::language::tree;

const PROJECT: &str = r#"
project NAME schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.36"
  environment prod { cluster sh; let domain="pay.bank" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/NAME/**" tenant=NAME
  }
}
"#;
const STORE: &str = r#"
secret-store vault server="https://vault.bank" { allow tenant=NAME "kv/NAME/*" }
"#;

/// A slot: what may stand there, `#` for any digit.
type Slot = &'static [&'static str];

/// A resource: its file, what it always says, and its slots.
struct Resource {
    file: &'static str,
    head: &'static str,
    slots: &'static [Slot],
    tail: &'static str,
}

const PLATFORM: &str = "platform/tenant.kdl";
const TENANT: &str = "tenants/NAME/all.kdl";

const RESOURCES: &[Resource] = &[
    Resource {
        file: PLATFORM,
        head: "tenant NAME {\n  namespace core { labels { \"bank.example/policy\" \"POLICY\" } }",
        slots: &[
            &[
                "",
                "quota cpu=4# memory=\"16#Gi\" pods=2#",
                "quota cpu=40 memory=\"160Gi\" { count configmaps 50# }",
            ],
            &[
                "",
                "limits { default cpu=\"25#m\" memory=\"256Mi\" }",
                "limits { min cpu=\"5m\" memory=\"16Mi\"; max cpu=8 memory=\"3#Gi\" }",
            ],
            &[
                "",
                "member ana role=admin",
                "member ana role=operator; member li# role=operator",
                "member sre kind=group role=operator",
            ],
            &[
                "",
                "network isolation=strict { from ingress }",
                "network { from ingress; from monitoring port=909#; to internet port=443 }",
                "network { to cidr=\"10.2#.0.0/16\" port=5432; to cidr=\"10.20.1.53/32\" port=53 protocol=udp }",
            ],
            &[
                "gateway public class=traefik { listener web port=8000 host=\"*.NAME.${domain}\" }",
                "gateway public class=traefik { listener web port=8000 host=\"*.NAME.${domain}\"; listener old port=80 { redirect scheme=https } }",
                "gateway public class=traefik { listener web port=800# host=\"*.NAME.${domain}\" }",
            ],
        ],
        tail: "}",
    },
    Resource {
        file: TENANT,
        head: "app web tenant=NAME namespace=core {\n  image \"harbor.bank/web\"\n  port http 8080 service=80",
        slots: &[
            &["version \"1.#\"", "version \"2.#\""],
            &[
                "",
                "env { LOG_LEVEL info; RETRIES # }",
                "env { LOG_LEVEL debug; NODE fact=node-name }",
                "env { DB secret=db key=password; RETRIES # }",
            ],
            &["", "env-from secret=db", "env-from secret=db prefix=DB_"],
            &[
                "",
                "config settings mount=\"/etc/settings\" { value basket \"#\" }",
                "config settings mount=\"/etc/settings\" { value basket \"#\"; file \"a.toml\" \"x = #\" }",
                "config other { value a \"#\" }",
            ],
            &[
                "",
                "volume tmp mount=\"/tmp\" size=\"1#Gi\" ephemeral=#true",
                "volume shm mount=\"/dev/shm\" size=\"6#Mi\" memory=#true",
                "volume db mount=\"/etc/db\" secret=db { item password \"pg/#\" }",
            ],
            &[
                "",
                "init schema { image \"r/schema\"; version \"#\"; command check }",
            ],
            &[
                "",
                "sidecar proxy { image \"r/proxy\"; version \"#\"; args \"-q\" }",
                "sidecar proxy { image \"r/proxy\"; version \"1\"; resources { requests cpu=\"1#m\" } }",
            ],
            &[
                "",
                "placement { spread by=zone skew=2 strict=#true; node-label \"tier=core\" }",
                "placement { spread by=node; tolerate spot for=\"1#m\" }",
            ],
            &[
                "",
                "security user=100# group=1000 volume-group=2000",
                "security { capabilities NET_BIND_SERVICE }",
            ],
            &[
                "",
                "shutdown grace=\"4#s\"",
                "shutdown grace=\"1m\" { exec \"/bin/bye\" }",
            ],
            &[
                "",
                "labels { \"example.com/tier\" \"t#\" }",
                "labels { tier web }",
            ],
            &["", "annotations { \"example.com/contact\" \"a#@b\" }"],
            &[
                "",
                "probe readiness path=\"/r#\" port=http",
                "probe readiness path=\"/r\" port=http tls=#true every=\"1#s\" timeout=\"2s\"",
            ],
            &["", "probe liveness { exec \"/bin/alive\" \"#\" }"],
            &["", "port events 794# protocol=udp", "port admin 909#"],
            &[
                "",
                "replicas 2; disruption max-unavailable=\"2#%\"",
                "replicas 3; disruption min-available=1",
                "replicas #",
            ],
            &[
                "",
                "rollout rolling surge=\"5#%\" unavailable=1 timeout=\"15m\"",
                "rollout recreate",
            ],
            &[
                "",
                "resources { requests cpu=\"10#m\" memory=\"128Mi\"; limits memory=\"256Mi\" }",
                "resources { requests memory=\"12#Mi\" }",
            ],
        ],
        tail: "}",
    },
    Resource {
        file: TENANT,
        head: "app tick tenant=NAME namespace=core workload=cron-job {\n  image \"harbor.bank/tick\"\n  version \"1\"",
        slots: &[
            &[
                "schedule \"1# 2 * * 1-5\"",
                "schedule \"30 2 * * *\" zone=\"Asia/Shanghai\" overlap=forbid keep=# keep-failed=5 late=\"5m\"",
            ],
            &[
                "",
                "retries #",
                "timeout \"1#h\"",
                "parallel 2; completions 1#",
            ],
            &["", "env { LOG_LEVEL info; RETRIES # }"],
        ],
        tail: "}",
    },
    Resource {
        file: TENANT,
        head: "",
        slots: &[&[
            "",
            "app extra tenant=NAME namespace=core { image \"r/extra\"; version \"#\"; port http 8080 }",
            "app extra tenant=NAME namespace=core workload=daemon { image \"r/extra\"; version \"#\" }",
        ]],
        tail: "",
    },
    Resource {
        file: TENANT,
        head: "route web tenant=NAME namespace=core gateway=public {\n  host \"web.NAME.${domain}\"\n  rule path=\"/a\" {\n    to web port=http",
        slots: &[
            &["", "methods GET", "methods GET POST"],
            &[
                "",
                "rewrite prefix=\"/#\"",
                "rewrite prefix=\"/v#\" host=\"h#.bank\"",
            ],
            &["", "header X-Version \"#\"", "query trace #"],
            &[
                "",
                "request-headers { set X-Edge \"e#\"; remove X-Internal }",
                "response-headers { add X-Frame-Options \"d#\" }",
            ],
            &[
                "",
                "rate-limit 10# per=\"1s\" by=client-ip burst=200 behind=1",
            ],
            &["", "in-flight 2# by=header header=X-Team"],
            &[
                "",
                "circuit-breaker error-rate=\"3#%\" over=\"1m\" recover=\"10s\"",
            ],
        ],
        tail: "  }\n}",
    },
    Resource {
        file: TENANT,
        head: "",
        slots: &[
            &[
                "secret db tenant=NAME from=\"vault:kv/NAME/db\" { keys username password }",
                "secret db tenant=NAME from=\"vault:kv/NAME/db\" refresh=\"1#m\" { keys username password extra# }",
            ],
            &[
                "",
                "certificate own tenant=NAME issuer=bank-ca { host \"*.NAME.${domain}\" }",
                "certificate own tenant=NAME issuer=bank-ca duration=\"9#d\" renew-before=\"30d\" { host \"a#.NAME.${domain}\" }",
            ],
        ],
        tail: "",
    },
];

/// Gives the cluster what the texts ask of it, so that pods find a place and gateways answer.
pub(super) fn furnish() {
    let labels = ["tier=core", "topology.kubernetes.io/zone=a"];
    let args = [&["label", "nodes", "--all", "--overwrite"], &labels[..]].concat();
    crate::bank::project::furnish();
    crate::bed::cluster().kubectl(&args);
}

/// What one project says: for each slot which way and which digit.
#[derive(Clone, PartialEq)]
pub(super) struct Texts {
    name: String,
    policy: String,
    chosen: Vec<(usize, usize)>,
}

fn slots() -> impl Iterator<Item = Slot> {
    RESOURCES.iter().flat_map(|r| r.slots.iter().copied())
}

fn choose(slot: Slot, random: &mut Random) -> (usize, usize) {
    (random.below(slot.len()), random.below(10))
}

impl Texts {
    /// A project of a tenant of this name, whose namespaces bear the mark of a policy.
    pub(super) fn new(name: &str, policy: &str, random: &mut Random) -> Self {
        Self {
            name: name.to_owned(),
            policy: policy.to_owned(),
            chosen: slots().map(|slot| choose(slot, random)).collect(),
        }
    }

    /// Changes one to three slots; says what stands there now.
    pub(super) fn edit(&mut self, random: &mut Random) -> Vec<String> {
        let all: Vec<Slot> = slots().collect();
        let mut said = Vec::new();
        for _ in 0..=random.below(3) {
            let at = random.below(all.len());
            let before = self.filled(all[at], self.chosen[at]);
            self.chosen[at] = choose(all[at], random);
            let after = self.filled(all[at], self.chosen[at]);
            if before != after {
                said.push(format!("{before:?} -> {after:?}"));
            }
        }
        said
    }

    fn filled(&self, slot: Slot, (way, digit): (usize, usize)) -> String {
        let digit = digit.to_string();
        let text = slot[way].replace("#true", "\u{1}").replace('#', &digit);
        text.replace('\u{1}', "#true").replace("NAME", &self.name)
    }

    /// The files as a person would have them.
    pub(super) fn tree(&self) -> SourceTree {
        let own = |text: &str| {
            text.replace("NAME", &self.name)
                .replace("POLICY", &self.policy)
        };
        let mut files = vec![
            ("kubemate.kdl".to_owned(), own(PROJECT)),
            ("platform/store.kdl".to_owned(), own(STORE)),
        ];
        let mut chosen = self.chosen.iter();
        for resource in RESOURCES {
            let mut text = own(resource.head) + "\n";
            for slot in resource.slots {
                let way = chosen.next().expect("a choice for every slot");
                text.push_str(&format!("    {}\n", self.filled(slot, *way)));
            }
            text.push_str(resource.tail);
            text.push('\n');
            let path = own(resource.file);
            match files.iter_mut().find(|(other, _)| *other == path) {
                Some((_, all)) => all.push_str(&text),
                None => files.push((path, text)),
            }
        }
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        tree(&files)
    }

    /// What they render to.
    pub(super) fn rendered(&self) -> std::collections::BTreeMap<ObjectKey, Desired> {
        let Written { errors, objects } = written(&self.tree(), "prod", "sh");
        assert!(errors.is_empty(), "{errors:#?}");
        objects
    }
}
