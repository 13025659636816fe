//! Promotion edits one line and nothing else, says what comes of it, and refuses what it cannot mean.

use super::{CART, PATH, Repo, differ, said};
use crate::forge::{gitea_sim, github_sim, gitlab_sim, sim::Sim};

const PROMOTE: &[&str] = &["promote", "app/cart", "--to", "prod"];

/// What the one branch of ours holds of the app, and what the pull request says.
fn offered(sim: &Sim) -> (String, String) {
    let store = sim.store();
    let branch = store
        .git
        .branches
        .keys()
        .find(|name| name.starts_with("kubemate-"))
        .unwrap();
    let files = &store.git.on(branch).files;
    let main = &store.git.on("main").files;
    let changed: Vec<&String> = files
        .keys()
        .filter(|p| files.get(*p) != main.get(*p))
        .collect();
    assert_eq!(changed, [PATH]);
    assert_eq!(files.len(), main.len());
    let pull = store
        .pulls
        .values()
        .find(|pull| pull["title"].is_string())
        .unwrap();
    let body = pull["body"]
        .as_str()
        .or(pull["description"].as_str())
        .unwrap()
        .to_owned();
    (String::from_utf8(files[PATH].1.clone()).unwrap(), body)
}

#[test]
fn a_promotion_is_a_pull_request_of_one_line_on_every_forge() {
    let starts: [(&str, fn() -> Sim); 3] = [
        ("github", github_sim::start),
        ("gitlab", gitlab_sim::start),
        ("gitea", gitea_sim::start),
    ];
    for (kind, start) in starts {
        let (sim, repo) = (start(), Repo::new(&[(PATH, CART)]));
        repo.at(&sim);
        let text = said(&repo.offered(&sim, kind, PROMOTE), 0);
        assert!(text.contains("pull request opened #"), "{text}");
        let (file, body) = offered(&sim);
        let (gone, came) = differ(CART, &file);
        assert_eq!(gone, ["\t\tversion   \"1.0.0\" // of May\r\n"]);
        assert_eq!(came, ["\t\tversion   \"1.1.0\" // of May\r\n"]);
        assert!(
            body.contains("1.0.0") && body.contains("hq/prod/web"),
            "{body}"
        );
        assert!(!body.contains("lab/dev/web"), "{body}");
        // Once more is the same pull request.
        let again = said(&repo.offered(&sim, kind, PROMOTE), 0);
        assert!(again.contains("is open already"), "{again}");
        // What the forge has is what counts: a commit that is not here yet is not guessed.
        let unknown = "7".repeat(40);
        let tip = sim.store().git.on("main").clone();
        sim.store().git.commits.insert(unknown.clone(), tip);
        sim.store().git.branches.insert("main".to_owned(), unknown);
        let late = said(&repo.offered(&sim, kind, PROMOTE), 3);
        assert!(late.contains("git fetch"), "{late}");
    }
}

/// Promotes in a repository with this app, changes the file as the dry run shows it, and returns what
/// came and what went.
fn shown(app: &str, args: &[&str]) -> (Vec<String>, Vec<String>) {
    let repo = Repo::new(&[(PATH, app)]);
    let text = said(&repo.run(&[args, &["--dry-run"]].concat(), &[]), 0);
    let lines = |sign: char| -> Vec<String> {
        let double = format!("{sign}{sign}{sign}");
        let of = text
            .lines()
            .filter(|l| l.starts_with(sign) && !l.starts_with(&double));
        // A plan marks its lines with a space behind the sign.
        of.filter(|l| !l[1..].starts_with(' ') || l.contains("version") || l.contains("in prod"))
            .map(|line| line[1..].trim_end().to_owned())
            .collect()
    };
    (lines('-'), lines('+'))
}

#[test]
fn the_line_is_made_where_the_project_would_have_it() {
    let base = "app cart tenant=web {\n  image \"registry.example/cart\"\n  in dev { version \"1.1.0\" }\n  version \"1.0.0\"\n}\n";
    let (gone, came) = shown(base, PROMOTE);
    assert_eq!(
        (gone.len(), came.join("\n").as_str()),
        (0, "  in prod {\n    version \"1.1.0\"")
    );
    let block = base.replace(
        "  version \"1.0.0\"\n",
        "  version \"1.0.0\"\n  in prod {\n    replicas 2\n  }\n",
    );
    let (gone, came) = shown(&block, PROMOTE);
    assert_eq!(
        (gone.len(), came.as_slice()),
        (0, &["    version \"1.1.0\"".to_owned()][..])
    );
    let short = base.replace(
        "  version \"1.0.0\"\n",
        "  version \"1.0.0\"\n  in prod { replicas 2 }\n",
    );
    let (_, came) = shown(&short, PROMOTE);
    assert_eq!(came, ["  in prod { version \"1.1.0\"; replicas 2 }"]);
}

#[test]
fn a_digest_goes_with_its_version() {
    let digest = |c: char| format!("sha256:{}", c.to_string().repeat(64));
    let app = |dev: &str, prod: &str| {
        format!(
            "app cart tenant=web {{\n  image \"registry.example/cart\"\n  in dev {{ {dev} }}\n  in prod {{ {prod} }}\n}}\n"
        )
    };
    let with = |tag: &str, c: char| format!("version \"{tag}\" digest=\"{}\"", digest(c));
    let plain = |tag: &str| format!("version \"{tag}\"");
    for (dev, prod) in [
        (with("2.0", 'a'), with("1.0", 'b')),
        (with("2.0", 'a'), plain("1.0")),
        (plain("2.0"), with("1.0", 'b')),
        (with("1.0", 'a'), with("1.0", 'b')),
    ] {
        let (_, came) = shown(&app(&dev, &prod), PROMOTE);
        assert_eq!(came, [format!("  in prod {{ {dev} }}")], "{prod}");
    }
    let third = digest('c');
    let asked = [PROMOTE, &["--version", "3.0", "--digest", &third]].concat();
    let (_, came) = shown(&app(&plain("2.0"), &plain("1.0")), &asked);
    assert_eq!(came, [format!("  in prod {{ {} }}", with("3.0", 'c'))]);
}

#[test]
fn what_cannot_be_promoted_is_refused_and_says_why() {
    let refused = |app: &str, args: &[&str], code: i32| {
        let repo = Repo::new(&[(PATH, app)]);
        said(&repo.run(&[args, &["--dry-run"]].concat(), &[]), code)
    };
    let same = CART.replace("1.0.0", "1.1.0");
    let text = refused(&same, PROMOTE, 3);
    assert!(
        text.contains("nothing to promote") && text.contains("1.1.0"),
        "{text}"
    );
    let text = refused(CART, &["promote", "app/cart", "--to", "dev"], 64);
    assert!(text.contains("no environment comes before `dev`"), "{text}");
    let text = refused(CART, &["promote", "app/card", "--to", "prod"], 64);
    assert!(text.contains("there is no `app/card`"), "{text}");
    let text = refused(CART, &[PROMOTE, &["--version", "a b"]].concat(), 64);
    assert!(text.contains("a b"), "{text}");
    let variable = CART.replace("version   \"1.0.0\"", "version \"${v}\"");
    let variable = format!("let v=\"1.0.0\"\n{variable}");
    let text = refused(&variable, PROMOTE, 3);
    assert!(text.contains("made of a variable"), "{text}");
}

#[test]
fn a_freeze_is_said_and_shows_in_the_pull_request() {
    let freeze =
        "freeze always env=prod from=\"2020-01-01T00:00\" to=\"2090-01-01T00:00\" zone=\"UTC\"\n";
    let (sim, repo) = (
        gitea_sim::start(),
        Repo::new(&[(PATH, CART), ("platform/rules.kdl", freeze)]),
    );
    repo.at(&sim);
    let text = said(&repo.offered(&sim, "gitea", PROMOTE), 0);
    assert!(text.contains("inside freeze `always`"), "{text}");
    assert!(
        offered(&sim).1.contains("inside freeze"),
        "{}",
        offered(&sim).1
    );
}
