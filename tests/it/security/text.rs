//! Files of a repository that reach for what is outside of it, or that cost too much, through the program
//! itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bed;
use crate::bed::history;
use crate::bed::proxy::Proxy;
use crate::security::{Project, Said};

const CANARY: &str = "canary-5e1d-outside";

/// Every field that names files, with a path put in.
fn naming(path: &str) -> [(&'static str, String); 4] {
    [
        (
            "tenants/a/vendor.kdl",
            format!("manifests v tenant=a {{ from \"{path}\"; kinds ConfigMap }}\n"),
        ),
        (
            "tenants/a/app.kdl",
            format!(
                "app x tenant=a {{\n  image \"example/x\"\n  version \"1\"\n  config c mount=\"/c\" {{ file f from=\"{path}\" }}\n}}\n"
            ),
        ),
        (
            "tenants/a/secret.kdl",
            format!("secret s tenant=a sops=\"{path}\"\n"),
        ),
        (
            "kubemate.kdl",
            super::PROJECT.replace("\"tenants/**/*.kdl\"", &format!("\"{path}\"")),
        ),
    ]
}

#[test]
fn s_01_paths_out_of_the_tree_are_refused() {
    let paths = [
        ("../../../outside.yaml", "../../../outside.yaml"),
        ("/etc/passwd", "/etc/passwd"),
        ("a/../../../../outside.yaml", "a/../../../../outside.yaml"),
        ("..\\\\outside.yaml", "outside.yaml"),
        ("%2e%2e/outside.yaml", "outside.yaml"),
        ("outside\\u{0}.yaml", "outside"),
    ];
    for (written, shown) in paths {
        for (file, text) in naming(written) {
            let project = Project::new(&[]);
            let outside =
                format!("# {CANARY}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n");
            fs::write(project.around().join("outside.yaml"), outside).unwrap();
            project.put(file, &text);
            for command in ["validate", "render"] {
                let Said { code, text: said } = project.run(&[command]);
                assert!(!said.contains(CANARY) && !said.contains("root:"), "{said}");
                // What is not decoded is the name of a file that is not there.
                if file == "kubemate.kdl" && written.starts_with('%') {
                    let found = said.contains("matches no file") || command == "render";
                    assert!(code == 0 && found, "{said}");
                    continue;
                }
                assert_eq!(code, 3, "{written} in {file}: {said}");
                assert!(said.contains(file), "{written} in {file}: {said}");
                assert!(said.contains(shown), "{written} in {file}: {said}");
                assert!(!said.contains(CANARY) && !said.contains("root:"), "{said}");
            }
        }
    }
}

#[test]
fn s_02_a_link_is_not_followed_wherever_it_is_named() {
    let [manifests, config, secret, _] = naming("linked.yaml");
    let plain = ("tenants/a/plain.kdl", "// nothing\n".to_owned());
    for (file, text) in [manifests, config, secret, plain] {
        let linked = ["tenants/a/linked.yaml", "tenants/a/linked.kdl"];
        let linked = linked[usize::from(file.ends_with("plain.kdl"))];
        let project = Project::new(&[(file, text.as_bytes())]);
        let outside = project.around().join("token");
        fs::write(&outside, format!("a: {CANARY}\n")).unwrap();
        symlink(&outside, project.root().join(linked)).unwrap();
        for command in ["validate", "render", "images"] {
            let said = project.refused(&[command]);
            assert!(!said.contains(CANARY), "{command} {file}: {said}");
            assert!(said.contains(linked), "{command} {file}: {said}");
        }
    }
}

/// Puts programs at every place from which something might be started, each of which would leave a trace.
fn trapped(project: &Project) -> std::path::PathBuf {
    let trace = project.around().join("trace");
    let trap = project.around().join("trap");
    fs::write(
        &trap,
        format!("#!/bin/sh\necho $0 >> {}\n", trace.display()),
    )
    .unwrap();
    let executable = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    executable(&trap);
    let git = git2::Repository::init(project.root()).unwrap();
    let hooks = project.root().join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "post-checkout",
        "post-merge",
        "pre-commit",
        "reference-transaction",
        "fsmonitor-watchman",
    ] {
        fs::copy(&trap, hooks.join(hook)).unwrap();
    }
    let at = trap.display().to_string();
    configured(&git, &at);
    project.put(".gitattributes", "* filter=evil diff=evil\n");
    project.put(".lfsconfig", format!("[lfs]\n  url = {at}\n"));
    project.put("evil.config", format!("[core]\n  fsmonitor = {at}\n"));
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"https://127.0.0.1:1\"}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, \
         command: \"{at}\", interactiveMode: Never}}}}}}]\n"
    );
    for place in ["kubeconfig", ".kube/config", "tenants/a/kubeconfig"] {
        project.put(place, &kubeconfig);
    }
    let bin = project.around().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in [
        "git",
        "ssh",
        "sh",
        "helm",
        "kubectl",
        "sops",
        "gpg",
        "kustomize",
        "less",
    ] {
        fs::copy(&trap, bin.join(name)).unwrap();
    }
    commit(&git);
    trace
}

/// Every setting of Git that names a program.
fn configured(git: &git2::Repository, program: &str) {
    let mut config = git.config().unwrap();
    for name in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "credential.helper",
        "uploadpack.packObjectsHook",
    ] {
        config.set_str(name, program).unwrap();
    }
    config.set_str("include.path", "../evil.config").unwrap();
}

/// Written by hand, since adding files would ask the filters itself.
fn commit(git: &git2::Repository) {
    let root = git.workdir().unwrap().to_owned();
    let (mut pending, mut files) = (vec![root.clone()], Vec::new());
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            files.push((name.to_owned(), fs::read(&path).unwrap()));
        }
    }
    history::commit(git, Some("HEAD"), files);
}

#[test]
fn s_07_s_48_nothing_in_a_repository_is_executed() {
    let app = "app x tenant=a { image \"example/x\"; version \"1\" }\n";
    let project = Project::new(&[("tenants/a/app.kdl", app.as_bytes())]);
    let trace = trapped(&project);
    let commands: [&[&str]; 7] = [
        &["validate"],
        &["validate", "--rev", "HEAD"],
        &["render"],
        &["render", "--rev", "HEAD"],
        &["plan", "--offline", "--base", "HEAD"],
        &["images"],
        &["fmt", "--check"],
    ];
    for args in commands {
        let mut command = project.command(args);
        let said = Said::of(
            &command
                .env("PATH", project.around().join("bin"))
                .output()
                .unwrap(),
        );
        assert_eq!(said.code, 0, "{args:?}: {}", said.text);
        assert!(
            !trace.exists(),
            "{args:?} started {}",
            fs::read_to_string(&trace).unwrap()
        );
    }
    // A cluster is asked for with what the person has, never with what lies in the repository.
    let said = project.run(&["plan"]);
    assert_eq!(said.code, 1, "{}", said.text);
    let before = project.around().join(".kube");
    assert!(!before.exists(), "the home of the test is empty");
    assert!(!trace.exists(), "{}", said.text);
    // The trap works.
    assert!(
        Command::new(project.around().join("bin/git"))
            .status()
            .unwrap()
            .success()
    );
    assert!(trace.exists());
}

#[test]
fn s_20_depth_ends_with_a_line_and_nobody_else_suffers() {
    let sound = "app x tenant=b { image \"example/x\"; version \"1\" }\n";
    for deep in [50, 100, 1_000, 100_000] {
        for text in [
            format!("{}{}\n", "a{".repeat(deep), "}".repeat(deep)),
            format!("app y tenant=a {{\n{}", "a {\n".repeat(deep)),
        ] {
            let project = Project::new(&[
                ("tenants/a/deep.kdl", text.as_bytes()),
                ("tenants/b/app.kdl", sound.as_bytes()),
            ]);
            let started = Instant::now();
            let said = project.refused(&["validate"]);
            assert!(said.contains("tenants/a/deep.kdl:"), "{deep}: {said:.800}");
            assert!(
                said.contains("32 levels") || said.contains("deep"),
                "{deep}: {said:.800}"
            );
            assert!(!said.contains("tenants/b/"), "{deep}: {said:.800}");
            assert!(started.elapsed() < Duration::from_mins(3));
        }
    }
}

#[test]
fn s_22_what_is_too_large_is_refused_before_it_is_parsed() {
    let many = "a\n".repeat(800_000);
    let large = vec![b'#'; 50 * 1024 * 1024];
    for (bytes, said_of) in [(many.as_bytes(), "1 MiB"), (&large, "1 MiB")] {
        let project = Project::new(&[("tenants/a/large.kdl", bytes)]);
        let started = Instant::now();
        let said = project.refused(&["validate"]);
        assert!(said.contains("tenants/a/large.kdl"), "{said:.800}");
        assert!(said.contains(said_of), "{said:.800}");
        assert!(started.elapsed() < Duration::from_mins(3));
    }
    let project = Project::new(&[]);
    for number in 0..20_001 {
        let path = project.root().join(format!("tenants/{number}.kdl"));
        if number == 0 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(path, "").unwrap();
    }
    let said = project.run(&["validate"]);
    assert_ne!(said.code, 0);
    assert!(
        said.text.contains("20000") || said.text.contains("20,000"),
        "{}",
        said.text
    );
}

/// ConfigMaps as YAML, in files that are not too large.
fn config_maps(count: usize) -> Vec<(String, String)> {
    let one = |n| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: a}}\n")
    };
    let numbers: Vec<usize> = (0..count).collect();
    let files = numbers.chunks(10_000).enumerate().map(|(file, numbers)| {
        let text: String = numbers.iter().map(|n| one(*n)).collect();
        (format!("tenants/a/many/{file}.yaml"), text)
    });
    files.collect()
}

#[test]
fn s_30_too_many_objects_are_refused_before_any_write() {
    let node = "manifests m tenant=a { from \"many/*.yaml\"; kinds ConfigMap }\n";
    let project = Project::new(&[("tenants/a/m.kdl", node.as_bytes())]);
    for (path, text) in config_maps(20_001) {
        project.put(&path, text);
    }
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let config = proxy.kubeconfig().display().to_string();
    for args in [
        vec!["validate"],
        vec!["render"],
        vec!["plan", "--kubeconfig", &config],
        vec!["apply", "--kubeconfig", &config],
    ] {
        let said = project.refused(&args);
        assert!(
            said.contains("20001 objects; the limit is 20000"),
            "{said:.800}"
        );
    }
    assert!(proxy.calls().is_empty(), "the cluster is not even asked");
}

#[test]
fn s_35_a_render_asks_no_cluster() {
    let app = "app x tenant=a { image \"example/x\"; version \"1\" }\n";
    let project = Project::new(&[("tenants/a/app.kdl", app.as_bytes())]);
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    for args in [["validate"], ["render"], ["images"], ["test"]] {
        let mut command = project.command(&args);
        let said = Said::of(
            &command
                .env("KUBECONFIG", proxy.kubeconfig())
                .output()
                .unwrap(),
        );
        assert_eq!(said.code, 0, "{args:?}: {}", said.text);
    }
    assert!(proxy.calls().is_empty());
}

#[test]
fn s_54_a_tenant_cannot_make_itself_more_than_it_is() {
    let sync = "apiVersion: kubemate.dev/v1alpha1\nkind: Sync\nmetadata: {name: s, namespace: a}\nspec: {}\n";
    let cases = [
        (
            "tenants/a/kubemate.kdl",
            "project mine schema=1 { cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\" }\n",
        ),
        (
            "tenants/a/x.kdl",
            "project mine schema=1 { cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\" }\n",
        ),
        ("tenants/a/x.kdl", "tenant c\n"),
        (
            "tenants/a/x.kdl",
            "tenant a { member root { role admin } }\n",
        ),
        ("tenants/a/x.kdl", "role wide { rule \"*\" verbs=\"*\" }\n"),
        ("tenants/a/x.kdl", "freeze now\n"),
        ("tenants/a/x.kdl", "approval mine\n"),
        ("tenants/a/x.kdl", "registry evil host=\"evil.example\"\n"),
        (
            "tenants/a/x.kdl",
            "app x tenant=b { image \"example/x\"; version \"1\" }\n",
        ),
        (
            "tenants/a/x.kdl",
            "manifests m tenant=a { from \"*.yaml\"; kinds Sync }\n",
        ),
    ];
    for (path, text) in cases {
        let project = Project::new(&[
            (path, text.as_bytes()),
            ("tenants/a/s.yaml", sync.as_bytes()),
        ]);
        let said = project.refused(&["validate"]);
        assert!(
            said.contains(path) || said.contains("tenants/a/s.yaml"),
            "{text}: {said}"
        );
    }
}

#[test]
fn s_69_ciphertext_is_never_applied_as_it_is() {
    let sealed = |kind: &str| {
        format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: x, namespace: a}}\ndata: {{k: \"ENC[AES256_GCM,data:aa==]\"}}\n\
             sops: {{version: 3.9.0, mac: \"ENC[AES256_GCM,data:bb==]\"}}\n"
        )
    };
    let cases = [
        (
            "tenants/a/x.kdl",
            "manifests m tenant=a { from \"x.yaml\"; kinds ConfigMap }\n",
            sealed("ConfigMap"),
        ),
        (
            "tenants/a/x.kdl",
            "manifests m tenant=a { from \"x.yaml\"; kinds ConfigMap }\n",
            sealed("Secret"),
        ),
        (
            "tenants/a/x.kdl",
            "secret s tenant=a sops=\"x.yaml\"\n",
            sealed("Secret"),
        ),
    ];
    for (path, text, yaml) in cases {
        let project = Project::new(&[
            (path, text.as_bytes()),
            ("tenants/a/x.yaml", yaml.as_bytes()),
        ]);
        for command in ["validate", "render"] {
            let said = project.refused(&[command]);
            assert!(said.contains("tenants/a/x."), "{said}");
        }
    }
}
