//! Projects of any size for benches, the same bytes each time: tenants that own a directory each, one
//! app in each file, three environments, and the platform's files beside them.

use std::fs;
use std::path::{Path, PathBuf};

/// How many tenants a generated project has.
pub(crate) const TENANTS: usize = 20;

/// A project on disk.
pub(crate) struct Project {
    /// Its directory.
    pub(crate) root: PathBuf,
    /// How many apps it has, one in each file.
    pub(crate) apps: usize,
}

impl Project {
    /// Writes a project with this many apps below an existing directory.
    pub(crate) fn write(root: PathBuf, apps: usize) -> Self {
        let project = Self { root, apps };
        project.put("kubemate.kdl", &head());
        project.put("platform/profiles.kdl", PROFILES);
        for tenant in 0..TENANTS {
            let name = tenant_name(tenant);
            project.put(&format!("platform/tenants/{name}.kdl"), &tenant_file(&name));
        }
        for app in 0..apps {
            project.put(&app_path(app), &app_file(app, 0));
        }
        project
    }

    /// Changes one app's version: a file as a person would change it.
    pub(crate) fn change(&self, round: usize) {
        let app = (round * 37) % self.apps;
        self.put(&app_path(app), &app_file(app, round + 1));
    }

    /// How many bytes of KDL there are.
    pub(crate) fn bytes(&self) -> u64 {
        files(&self.root)
            .iter()
            .map(|path| fs::metadata(path).unwrap().len())
            .sum()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Every KDL file below a directory, in the order of their paths.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn tenant_name(tenant: usize) -> String {
    format!("team-{tenant:02}")
}

fn app_path(app: usize) -> String {
    format!("tenants/{}/app-{app:05}.kdl", tenant_name(app % TENANTS))
}

fn head() -> String {
    let paths: String = (0..TENANTS)
        .map(tenant_name)
        .map(|name| format!("    path \"tenants/{name}/**\" tenant={name}\n"))
        .collect();
    let environment = |name: &str, cluster: &str, domain: &str| {
        format!(
            "  environment {name} {{\n    cluster {cluster}\n    let domain=\"{domain}\"\n  }}\n"
        )
    };
    let cluster = |name: &str, digit: char| {
        format!(
            "  cluster {name} uid=\"{digit}0000000-0000-4000-8000-000000000000\" kubernetes=\"1.33\"\n"
        )
    };
    let clusters = [cluster("near", '1'), cluster("far", '2')].concat();
    let environments = [
        environment("dev", "near", "dev.shop.example"),
        environment("staging", "near", "staging.shop.example"),
        environment("prod", "far", "shop.example"),
    ]
    .concat();
    format!(
        "project shop schema=1 render=1 {{\n{clusters}{environments}  let registry=\"registry.shop.example\"\n  \
         include \"platform/**/*.kdl\" \"tenants/**/*.kdl\"\n  ownership {{\n    \
         path \"platform/**\" owner=platform\n{paths}  }}\n}}\n"
    )
}

fn tenant_file(name: &str) -> String {
    format!(
        "tenant {name} {{\n  owner \"{name}@shop.example\"\n  member lead-{name} role=admin\n  \
         quota cpu=4000 memory=\"4000Gi\" pods=20000\n  network isolation=strict {{ from ingress }}\n}}\n"
    )
}

fn app_file(app: usize, round: usize) -> String {
    let tenant = tenant_name(app % TENANTS);
    let (name, replicas) = (format!("app-{app:05}"), 1 + app % 3);
    let patch = app % 7 + round * 7;
    format!(
        "// What {name} is for.\napp {name} tenant={tenant} replicas={replicas} {{\n  use http-service\n  \
         image \"${{registry}}/{tenant}/{name}\"\n  version \"1.4.{patch}\"\n  env {{\n    LOG_LEVEL info\n    \
         HOST \"{name}.${{domain}}\"\n  }}\n  resources {{\n    requests cpu=\"50m\" memory=\"64Mi\"\n    \
         limits memory=\"128Mi\"\n  }}\n  in prod {{\n    replicas 4\n  }}\n}}\n"
    )
}

const PROFILES: &str = r#"// What most services have in common.
profile http-service port=8080 {
  port http "${port}"
  probe readiness path="/readyz" port=http every="5s"
  probe liveness path="/healthz" port=http every="10s" failures=3
  resources {
    requests cpu="100m" memory="128Mi"
    limits memory="256Mi"
  }
}
"#;
