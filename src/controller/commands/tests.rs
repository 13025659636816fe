//! Which calls are passed on, how many wait, and whom a command is for.

use super::*;

fn call(comment: u64) -> Call {
    let event = Event::Comment {
        repository: "team/platform".to_owned(),
        id: comment,
        pull: PullNumber::parse("7").unwrap(),
        user: "ann".to_owned(),
        text: "/kubemate plan".to_owned(),
    };
    Call::of("dev", &event).unwrap()
}

#[test]
fn s_75_a_comment_counts_once_for_each_repository() {
    let commander = Commander::new(Allowed::default());
    assert!(commander.is_new("https://a.example/x", &call(5)));
    assert!((0..100).all(|_| !commander.is_new("https://a.example/x", &call(5))));
    assert!(commander.is_new("https://b.example/x", &call(5)));
    assert!(commander.is_new("https://a.example/x", &call(6)));
}

#[test]
fn s_75_an_old_comment_is_not_told_again() {
    let remark = |edited: bool| Remark {
        author: "ann".to_owned(),
        text: "/kubemate plan".to_owned(),
        written: "2026-05-04T10:00:00Z".parse().unwrap(),
        edited,
    };
    for (now, edited, heard) in [
        ("2026-05-04T10:59:00Z", false, true),
        // Clocks differ.
        ("2026-05-04T09:58:00Z", false, true),
        ("2026-05-04T11:00:01Z", false, false),
        ("2026-05-04T10:00:01Z", true, false),
    ] {
        let why = past(&remark(edited), now.parse().unwrap());
        assert_eq!(why.is_none(), heard, "{now} {edited}: {why:?}");
    }
}

#[test]
fn s_76_a_call_is_about_the_repository_of_its_sync() {
    for (address, called, same) in [
        (
            "https://git.bank.example/team/platform.git",
            "team/platform",
            true,
        ),
        (
            "https://git.bank.example/Team/platform",
            "team/Platform",
            true,
        ),
        ("ssh://git@git.bank.example/a/b/c.git", "a/b/c", true),
        (
            "https://git.bank.example/team/platform.git",
            "mallory/platform",
            false,
        ),
        (
            "https://git.bank.example/team/platform.git",
            "platform",
            false,
        ),
        ("https://git.bank.example/team/platform.git", "", false),
    ] {
        let address = RemoteAddress::parse(address).unwrap();
        assert_eq!(is_path_of(&address, called), same, "{address} {called}");
    }
}

fn sync(name: &str, branch: &str, path: &str) -> Arc<Sync> {
    let spec = serde_json::json!({
        "repository": "https://git.bank.example/team/platform", "ref": branch, "path": path,
        "environment": "dev", "cluster": "here",
    });
    Arc::new(Sync::new(name, serde_json::from_value(spec).unwrap()))
}

#[test]
fn a_command_is_for_those_who_follow_the_branch_and_one_directory() {
    let (main, other) = ("refs/heads/main", "refs/heads/other");
    let all = [
        sync("a", main, "x"),
        sync("b", other, ""),
        sync("c", main, ""),
        sync("d", main, ""),
    ];
    let pull = |target: &str| Pull {
        number: PullNumber::parse("7").unwrap(),
        head: crate::source::repository::CommitId::new(&"a".repeat(40)).unwrap(),
        base: None,
        target: target.to_owned(),
        author: "ann".to_owned(),
        fork: false,
        draft: false,
        open: true,
        merger: None,
    };
    let names = |named: usize, target: &str| {
        let (found, left) = following(&all, &all[named], &pull(target));
        let names: Vec<String> = found.iter().map(|sync| sync.name_any()).collect();
        (names.join(" "), left)
    };
    assert_eq!(names(3, "main"), ("c d".to_owned(), 1));
    assert_eq!(names(0, "main"), ("a".to_owned(), 2));
    // The one that is called may follow another branch.
    assert_eq!(names(1, "main"), ("a".to_owned(), 2));
    assert_eq!(names(0, "none"), (String::new(), 0));
}

#[test]
fn what_is_no_command_is_not_passed_on() {
    let comment = |text: &str| Event::Comment {
        repository: "team/platform".to_owned(),
        id: 1,
        pull: PullNumber::parse("7").unwrap(),
        user: "ann".to_owned(),
        text: text.to_owned(),
    };
    assert!(Call::of("dev", &comment("lgtm")).is_none());
    assert!(Call::of("dev", &comment("> /kubemate plan")).is_none());
    assert!(Call::of("dev", &comment("/kubemate dance")).is_some());
    assert!(Call::of("dev", &Event::Ping).is_none());
}
