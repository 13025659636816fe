//! Rollback brings back exactly the lines of one resource, the fewest that do, and leaves alone what it
//! was not asked for.

use super::{CART, PATH, Repo, differ, said};
use crate::forge::gitea_sim;

const OTHER: &str =
    "app depot tenant=web {\n  image \"registry.example/depot\"\n  version \"1.0.0\"\n}\n";

/// What is offered for going back to a commit: the app's file as it would be, and what is said.
fn back(repo: &Repo, to: &str, more: &[&str]) -> (String, String) {
    let sim = gitea_sim::start();
    repo.at(&sim);
    let args = [&["rollback", "app/cart", "--env", "prod", "--to", to], more].concat();
    let text = said(&repo.offered(&sim, "gitea", &args), 0);
    let store = sim.store();
    let branch = store
        .git
        .branches
        .keys()
        .find(|name| name.starts_with("kubemate-"))
        .unwrap();
    let (files, main) = (&store.git.on(branch).files, &store.git.on("main").files);
    let changed = files
        .iter()
        .filter(|(path, file)| main.get(*path) != Some(file));
    let changed: Vec<String> = changed.map(|(path, _)| path.clone()).collect();
    let file = String::from_utf8(files[PATH].1.clone()).unwrap();
    (file, format!("{text}\n{}", changed.join(" ")))
}

#[test]
fn only_what_is_said_for_the_environment_goes_back_where_that_is_enough() {
    let repo = Repo::new(&[(PATH, CART), ("tenants/web/depot.kdl", OTHER)]);
    let good = repo.git(&["rev-parse", "HEAD"]);
    // Two things for prod, one for everybody else that is hidden there, and another app.
    let bad = CART
        .replace(
            "version   \"1.0.0\" // of May",
            "version \"1.2.0\" // of June",
        )
        .replace("replicas 2", "replicas 9")
        .replace("version \"1.1.0\"\r\n\tin", "version \"1.3.0\"\r\n\tin");
    repo.commit(
        "worse",
        &[
            (PATH, &bad),
            ("tenants/web/depot.kdl", &OTHER.replace("1.0.0", "9.0.0")),
        ],
    );
    let (file, text) = back(&repo, &good, &[]);
    assert!(text.ends_with(PATH), "{text}");
    assert_eq!(
        file,
        CART.replace("version \"1.1.0\"\r\n\tin", "version \"1.3.0\"\r\n\tin")
    );
    let (gone, came) = differ(&bad, &file);
    assert_eq!((gone.len(), came.len()), (2, 2), "{gone:?} {came:?}");
}

#[test]
fn a_block_that_came_goes_and_one_that_went_comes() {
    let plain =
        "app cart tenant=web {\n  image \"registry.example/cart\"\n  version \"1.1.0\"\n}\n";
    let block = "app cart tenant=web {\n  image \"registry.example/cart\"\n  version \"1.1.0\"\n  in prod {\n    replicas 4\n  }\n}\n";
    for (then, now) in [(plain, block), (block, plain)] {
        let repo = Repo::new(&[(PATH, then)]);
        let good = repo.git(&["rev-parse", "HEAD"]);
        repo.commit("worse", &[(PATH, now)]);
        assert_eq!(back(&repo, &good, &[]).0, then);
    }
}

#[test]
fn lines_that_others_share_go_back_only_when_asked() {
    let repo = Repo::new(&[(PATH, CART)]);
    let good = repo.git(&["rev-parse", "HEAD"]);
    let bad = CART.replace("registry.example/cart", "registry.example/cart2");
    repo.commit("worse", &[(PATH, &bad)]);
    let args = [
        "rollback",
        "app/cart",
        "--env",
        "prod",
        "--to",
        &good,
        "--dry-run",
    ];
    let text = said(&repo.run(&args, &[]), 3);
    assert!(
        text.contains("shared") && text.contains("lab/dev/web"),
        "{text}"
    );
    assert!(text.contains("--all-environments"), "{text}");
    let (file, text) = back(&repo, &good, &["--all-environments"]);
    assert_eq!(file, CART);
    assert!(text.contains("lab/dev/web changes as well"), "{text}");
}

#[test]
fn nothing_to_go_back_to_is_said() {
    let repo = Repo::new(&[(PATH, CART)]);
    let good = repo.git(&["rev-parse", "HEAD"]);
    repo.commit("elsewhere", &[("tenants/web/depot.kdl", OTHER)]);
    let args = |to: &str| {
        let args = [
            "rollback",
            "app/cart",
            "--env",
            "prod",
            "--to",
            to,
            "--dry-run",
        ];
        args.map(str::to_owned)
    };
    let run = |to: &str, code: i32| {
        let args = args(to);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        said(&repo.run(&args, &[]), code)
    };
    assert!(run(&good, 3).contains("is in prod as"), "{}", run(&good, 3));
    let depot = [
        "rollback",
        "app/depot",
        "--env",
        "prod",
        "--to",
        &good,
        "--dry-run",
    ];
    let text = said(&repo.run(&depot, &[]), 3);
    assert!(text.contains("has no app"), "{text}");
}

#[test]
fn a_file_goes_back_with_the_lines_that_name_it_and_none_of_the_same_name_elsewhere() {
    let cart = "app cart tenant=web {\n  image \"registry.example/cart\"\n  version \"1.0.0\"\n  \
                config settings { file \"cart.toml\" from=\"cart.toml\" }\n}\n";
    let depot = "app depot tenant=web {\n  image \"registry.example/depot\"\n  version \"1.0.0\"\n  \
                 config settings { file \"cart.toml\" from=\"cart.toml\" }\n}\n";
    let (own, others) = ("tenants/web/cart.toml", "tenants/web/depot/cart.toml");
    let repo = Repo::new(&[
        (PATH, cart),
        (own, "items = 1\n"),
        ("tenants/web/depot/depot.kdl", depot),
        (others, "items = 1\n"),
    ]);
    let good = repo.git(&["rev-parse", "HEAD"]);
    repo.commit("worse", &[(own, "items = 2\n"), (others, "items = 2\n")]);
    let (_, text) = back(&repo, &good, &["--all-environments"]);
    assert!(text.ends_with(own), "{text}");
    assert!(!text.contains(others), "{text}");
}
