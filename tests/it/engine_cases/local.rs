//! The program on a machine in trouble and on a repository that broke: no room, no cache, leftovers,
//! killed workers, half a tree, a cluster that is not there. What is written is whole or nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::oracles::Watched;
use super::small::Small;
use crate::bank::folder::Said;
use crate::bed;
use crate::bed::proxy::{Fault, Match, Proxy, Rule, Verb};
use crate::effort;

/// A directory without a kubeconfig.
pub(super) const NOWHERE: &str = "/nowhere";

pub(super) fn render(small: &Small) -> Said {
    let args = ["render", "--env", &small.env];
    small.folder.run(Path::new(NOWHERE), &args)
}

/// Files that were begun and not finished.
fn leftovers(small: &Small) -> Vec<String> {
    let cache = small.folder.path(".git/cache/kubemate");
    let entries = std::fs::read_dir(cache)
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    let names = entries
        .into_iter()
        .flatten()
        .map(|e| e.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".new-")).collect()
}

/// No file may grow: as on a full disk, for whatever is written from now on.
const FULL_DISK: &str = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";

#[test]
fn r_33_a_full_disk_or_no_cache_costs_time_only() {
    let small = Small::new();
    let sound = render(&small);
    assert_eq!(sound.code, 0, "{}", sound.end());
    for shell in [
        FULL_DISK,
        "export XDG_CACHE_HOME=/dev/null; exec \"$@\"",
        "export XDG_CACHE_HOME=/proc/self; exec \"$@\"",
        "unset XDG_CACHE_HOME HOME; exec \"$@\"",
    ] {
        drop(std::fs::remove_dir_all(small.folder.path(".git/cache")));
        renders(&small, shell, &sound);
        assert_eq!(leftovers(&small), Vec::<String>::new(), "{shell}");
    }
    // What had to be written is not there at all, and the error says which and why.
    let args = ["render", "--env", &small.env, "--out", "made"];
    let said = small.folder.under(FULL_DISK, Path::new(NOWHERE), &args);
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(
        said.err.contains("made/hq") && said.err.contains("cannot be written"),
        "{}",
        said.err
    );
    let found = Command::new("find")
        .arg(small.folder.path("made"))
        .args(["-type", "f"])
        .output();
    assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "");
    assert_eq!(
        small.folder.run(Path::new(NOWHERE), &args).code,
        0,
        "the next run heals itself"
    );
}

#[test]
fn r_33_leftovers_of_a_crash_are_in_nobodys_way() {
    let small = Small::new();
    let sound = render(&small);
    assert_eq!(sound.code, 0, "{}", sound.end());
    let cache = small.folder.path(".git/cache/kubemate");
    let packs: Vec<_> = std::fs::read_dir(&cache)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert!(!packs.is_empty(), "the cache is in use");
    for pack in &packs {
        let bytes = std::fs::read(pack).unwrap();
        std::fs::write(pack, &bytes[..bytes.len() / 2]).unwrap();
    }
    small.folder.write(".git/cache/kubemate/.new-left", "half");
    assert_eq!(render(&small).out, sound.out, "half a pack is no pack");

    // The same from a commit, beside the locks of a Git that died.
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .current_dir(small.folder.root())
            .args(args)
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    drop(std::fs::remove_dir_all(small.folder.path(".git")));
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    let who = ["-c", "user.name=t", "-c", "user.email=t@bank.example"];
    git(&[&who[..], &["commit", "--quiet", "--no-gpg-sign", "-m", "c"]].concat());
    for lock in [
        "index.lock",
        "HEAD.lock",
        "packed-refs.lock",
        "objects/pack/tmp_pack_x",
    ] {
        small.folder.write(&format!(".git/{lock}"), "");
    }
    let args = ["render", "--env", &small.env, "--rev", "HEAD"];
    let said = small.folder.run(Path::new(NOWHERE), &args);
    assert_eq!((said.code, &said.out), (0, &sound.out), "{}", said.end());
}

#[test]
fn r_33_half_a_tree_or_few_descriptors_render_nothing() {
    let small = Small::new();
    let said = small
        .folder
        .under("ulimit -n 9; exec \"$@\"", Path::new(NOWHERE), &["render"]);
    assert!([0, 1, 3].contains(&said.code), "{}", said.end());
    assert!(!said.all().contains("panicked"), "{}", said.end());
    assert!(said.code == 0 || said.out.is_empty(), "{}", said.end());
    for (what, make) in [
        ("a named pipe", "mkfifo platform/pipe.kdl"),
        (
            "a link that leads nowhere",
            "ln -s nowhere platform/link.kdl",
        ),
        (
            "a file that is not text",
            "printf 'tenant \\377x' > platform/bytes.kdl",
        ),
        (
            "a file cut in the middle",
            "printf 'tenant more {' > platform/cut.kdl",
        ),
    ] {
        let small = Small::new();
        let made = Command::new("bash")
            .current_dir(small.folder.root())
            .args(["-c", make])
            .status();
        assert!(made.unwrap().success());
        let said = render(&small);
        assert_eq!(
            (said.code, said.out.as_str()),
            (3, ""),
            "{what}: {}",
            said.end()
        );
        assert!(
            said.err.contains("platform/"),
            "{what} is named: {}",
            said.err
        );
    }
}

/// How many renders of one commit are compared: a thousand where time is no matter.
fn times() -> usize {
    if effort::is_long() { 1000 } else { 20 }
}

#[test]
fn r_45_the_same_commit_gives_the_same_bytes_everywhere() {
    let small = Small::new();
    small.folder.write(
        &format!("tenants/{}/app.kdl", small.tenant),
        &format!(
            "app web tenant={} {{\n  image \"registry.example/web\"\n  version \"1.0.0\"\n  port http 8080\n  \
             resources {{ requests cpu=\"50m\" memory=\"64Mi\"; limits memory=\"64Mi\" }}\n  \
             env {{ B \"2\"; A \"1\"; C \"3\" }}\n}}\n",
            small.tenant
        ),
    );
    let first = render(&small);
    assert_eq!(first.code, 0, "{}", first.end());
    assert!(first.out.contains("kind: Deployment"), "{}", first.out);
    // Other machines: another place, time zone, language, number of cores, and no cache.
    let places = [
        "exec \"$@\"",
        "export TZ=Asia/Shanghai LC_ALL=tr_TR.UTF-8 HOME=/ USER=other; exec \"$@\"",
        "export XDG_CACHE_HOME=/dev/null RAYON_NUM_THREADS=1; exec \"$@\"",
        "export RAYON_NUM_THREADS=7 SOURCE_DATE_EPOCH=0; exec taskset -c 0 \"$@\"",
        "cp -r . ../$$ && cd ../$$ && \"$@\"; code=$?; rm -r ../$$; exit $code",
    ];
    for shell in places.iter().cycle().take(times()) {
        renders(&small, shell, &first);
    }
}

/// Renders in these surroundings what was rendered before.
fn renders(small: &Small, shell: &str, before: &Said) {
    let args = ["render", "--env", &small.env];
    let said = small.folder.under(shell, Path::new(NOWHERE), &args);
    let found = (said.code, &said.out);
    assert_eq!(found, (0, &before.out), "{shell}: {}", said.end());
}

/// Applies what is broken: nothing may be sent that changes anything, nothing may go.
fn changes_nothing(small: &Small, proxy: &Proxy, what: &str, codes: &[i32]) -> Said {
    let before: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    proxy.forget();
    let args = ["apply", "--env", &small.env, "--timeout", "20s"];
    let said = small.folder.run(proxy.kubeconfig(), &args);
    assert!(codes.contains(&said.code), "{what}: {}", said.end());
    let writes: Vec<String> = proxy.writes().into_iter().map(|call| call.path).collect();
    assert!(writes.is_empty(), "{what}: {writes:?}");
    let after: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    assert_eq!(after, before, "{what}");
    said
}

/// Kills worker processes of a process for as long as it lives; how many.
fn kill_workers(child: &mut std::process::Child) -> usize {
    let parent = child.id().to_string();
    let mut killed = 0;
    while child.try_wait().unwrap().is_none() {
        let found = Command::new("pgrep")
            .args(["-P", &parent])
            .output()
            .unwrap();
        for worker in String::from_utf8_lossy(&found.stdout).lines() {
            let done = Command::new("kill").args(["-9", worker]).status().unwrap();
            killed += usize::from(done.success());
        }
    }
    killed
}

#[test]
fn r_72_a_render_that_broke_prunes_nothing() {
    let small = Small::new();
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    small.apply();
    let t = small.tenant.clone();
    let own = format!("tenants/{t}/own.kdl");
    let sound = std::fs::read_to_string(small.folder.path(&own)).unwrap();
    let missing = sound.replace("files/*.yaml", "files/gone/*.yaml");
    let undefined = format!(
        "{sound}\napp web tenant={t} {{\n  image \"${{nothing}}/web\"\n  version \"1\"\n}}\n"
    );
    let unknown = format!("{sound}\napp web tenant={t} {{\n  use nothing\n}}\n");
    for (what, text) in [
        ("a file that is missing", missing.as_str()),
        ("an undefined value", undefined.as_str()),
        ("a missing profile", unknown.as_str()),
        ("a file that ends in the middle", &sound[..sound.len() / 2]),
    ] {
        small.folder.write(&own, text);
        let said = changes_nothing(&small, &proxy, what, &[3]);
        assert!(said.err.contains(&own), "{what} is named: {}", said.err);
    }
    small.folder.write(&own, &sound);
    let yaml = format!("tenants/{t}/files/all.yaml");
    let whole = std::fs::read_to_string(small.folder.path(&yaml)).unwrap();
    std::fs::write(small.folder.path(&yaml), b"\xff\xfe").unwrap();
    changes_nothing(&small, &proxy, "a file that is not text", &[3]);
    small.folder.write(&yaml, &whole);

    // A worker that dies is no empty answer either.
    let before: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    let mut hit = 0;
    for _ in 0..5 {
        drop(std::fs::remove_dir_all(small.folder.path(".git/cache")));
        proxy.forget();
        let mut child = small
            .folder
            .start(proxy.kubeconfig(), &["apply", "--env", &small.env]);
        let killed = kill_workers(&mut child);
        let end = child.wait().unwrap();
        assert!([Some(0), Some(1), Some(3)].contains(&end.code()), "{end}");
        let changed = proxy
            .writes()
            .into_iter()
            .any(|call| call.target.resource != "leases");
        assert!(!changed, "nothing had changed in Git");
        hit += usize::from(killed > 0 && end.code() != Some(0));
    }
    assert!(hit > 0, "no worker was met alive in five runs");
    let after: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    assert_eq!(after, before);
    let plan = small.folder.run(
        proxy.kubeconfig(),
        &["plan", "--env", &small.env, "--detailed-exitcode"],
    );
    assert_eq!(plan.code, 0, "{}", plan.end());
}

#[test]
fn r_48_an_object_that_comes_twice_is_refused_before_anything_is_asked() {
    let small = Small::new();
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let scaler = |version: &str| {
        format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h, namespace: {}}}\n\
             spec: {{maxReplicas: 2, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: x}}}}\n---\n",
            small.base()
        )
    };
    small.folder.edit("platform/base.kdl", |text| {
        text.replace("kinds ", "kinds HorizontalPodAutoscaler ")
    });
    for (what, twice) in [
        ("two versions", scaler("v1") + &scaler("v2")),
        (
            "a list and itself",
            scaler("v2")
                + "apiVersion: v1\nkind: List\nitems:\n- "
                + &scaler("v2")
                    .replace("---\n", "")
                    .trim_end()
                    .replace('\n', "\n  ")
                + "\n",
        ),
    ] {
        small.folder.write("platform/files/twice.yaml", &twice);
        let said = small
            .folder
            .run(proxy.kubeconfig(), &["apply", "--env", &small.env]);
        assert_eq!(said.code, 3, "{what}: {}", said.end());
        assert!(
            said.err.contains("is rendered twice") && said.err.contains("twice.yaml"),
            "{what}: {}",
            said.err
        );
        assert!(proxy.calls().is_empty(), "{what}: {:?}", proxy.calls());
    }
}

fn kubeconfig_to_nowhere(small: &Small) -> std::path::PathBuf {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("https://{free}")}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]});
    small.folder.write("nowhere.json", &text.to_string());
    small.folder.path("nowhere.json")
}

/// Takes a set down with the digest that the program itself names.
fn take_down(small: &Small, kubeconfig: &Path, set: &str) -> Said {
    let said = small.folder.run(kubeconfig, &["delete", "--set", set]);
    let digest = said.err.split("--confirm-deletes ").nth(1).map(str::trim);
    let Some(digest) = digest else {
        return said;
    };
    let args = [
        "delete",
        "--set",
        set,
        "--confirm-deletes",
        digest,
        "--timeout",
        "20s",
    ];
    small.folder.run(kubeconfig, &args)
}

#[test]
fn r_76_a_set_is_taken_down_whole_or_what_is_left_is_named() {
    let small = Small::new();
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    small.apply();
    let mut watched = Watched::new(small.sets());
    let tenants = small.sets().remove(1);
    let (name, t) = (tenants.to_string(), small.tenant.clone());
    let before = small.marked(&tenants);
    assert_eq!(before.len(), 4);

    // Gone from Git, it is kept: an owner that vanished is not an empty one.
    let yaml = format!("tenants/{t}/files/all.yaml");
    let whole = std::fs::read_to_string(small.folder.path(&yaml)).unwrap();
    let own = format!("tenants/{t}/own.kdl");
    let node = std::fs::read_to_string(small.folder.path(&own)).unwrap();
    std::fs::remove_file(small.folder.path(&own)).unwrap();
    let said = small
        .folder
        .run(proxy.kubeconfig(), &["apply", "--env", &small.env]);
    assert_eq!(small.marked(&tenants), before, "{}", said.end());
    small.folder.write(&own, &node);
    small.folder.write(&yaml, &whole);

    let nowhere = kubeconfig_to_nowhere(&small);
    let said = take_down(&small, &nowhere, &name);
    assert_eq!(said.code, 1, "{}", said.end());
    assert_eq!(small.marked(&tenants), before);

    // One deletion is denied: the rest goes, this one is named and stays tracked.
    watched.learn();
    let denied = Match::writes().verb(Verb::Delete).name("moves");
    let words = "admission webhook \"keeper.example.com\" denied the request: it is kept";
    proxy.add(Rule::new(denied, Fault::Said(403, words)));
    let said = take_down(&small, proxy.kubeconfig(), &name);
    assert_eq!(said.code, 5, "{}", said.end());
    assert!(said.all().contains("ConfigMap/moves"), "{}", said.end());
    let left: Vec<String> = small.marked(&tenants).into_values().collect();
    assert_eq!(left, ["ConfigMap moves"], "{}", said.end());
    proxy.heal();
    let said = take_down(&small, proxy.kubeconfig(), &name);
    assert_eq!(said.code, 0, "{}", said.end());
    assert!(small.marked(&tenants).is_empty());
    watched.judge_with(&proxy, |set| small.marked(set));
}

#[test]
fn r_76_without_an_account_nothing_is_deleted_in_its_name() {
    let small = Small::new();
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    small.apply();
    let mut watched = Watched::new(small.sets());
    let tenants = small.sets().remove(1);
    let (name, t) = (tenants.to_string(), small.tenant.clone());
    let before = small.marked(&tenants);

    // Nobody may write in the tenant's name any more, and kubemate does not in its own.
    bed::cluster().kubectl(&["-n", &t, "delete", "rolebinding", "--all"]);
    bed::cluster().kubectl(&["-n", &t, "delete", "serviceaccount", "kubemate-tenant"]);
    let said = take_down(&small, proxy.kubeconfig(), &name);
    assert_ne!(said.code, 0, "{}", said.end());
    assert!(
        said.all().contains("ConfigMap/moves"),
        "what is left is named: {}",
        said.end()
    );
    assert_eq!(small.marked(&tenants), before, "{}", said.end());

    // Not even where Git forgot the tenant, and so nothing says who could.
    let forget = |file: &str| {
        let text = std::fs::read_to_string(small.folder.path(file)).unwrap();
        let kept = text
            .lines()
            .filter(|line| !line.contains(&format!("tenant={t}")));
        let kept: Vec<&str> = kept.filter(|line| *line != format!("tenant {t}")).collect();
        small.folder.write(file, &(kept.join("\n") + "\n"));
        text
    };
    let (project, tenant) = (forget("kubemate.kdl"), forget("platform/tenants.kdl"));
    std::fs::remove_dir_all(small.folder.path(&format!("tenants/{t}"))).unwrap();
    let said = take_down(&small, proxy.kubeconfig(), &name);
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(
        said.all().contains("ConfigMap/moves"),
        "what is left is named: {}",
        said.end()
    );
    assert_eq!(small.marked(&tenants), before, "{}", said.end());
    small.folder.write("kubemate.kdl", &project);
    small.folder.write("platform/tenants.kdl", &tenant);

    // The platform gives the rights back, and what is left can go.
    let said = small
        .folder
        .run(bed::cluster().kubeconfig(), &["apply", "--env", &small.env]);
    assert!([0, 5].contains(&said.code), "{}", said.end());
    bed::cluster().granted(&t, "kubemate-tenant");
    watched.learn();
    let said = take_down(&small, proxy.kubeconfig(), &name);
    assert_eq!(said.code, 0, "{}", said.end());
    assert!(small.marked(&tenants).is_empty());
    watched.judge_with(&proxy, |set| small.marked(set));
}
