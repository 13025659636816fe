//! What goes wrong between us and a forge: limits, gateways, broken connections, wrong entity tags,
//! pull requests that vanish. Each ends within its bounds, nothing is done twice, no token is told.

use std::time::Instant;

use axum::http::Method;
use kubemate::adapters::forge::{Auth, GitHub, Link, Patience, Token};
use kubemate::report::forge::{Forge, ForgeError, Put, State};
use serde_json::{Value, json};

use super::sim::{BOT, Fault, Sim, TOKEN};
use super::suite::{PATIENCE, SEVEN, gitea, github, gitlab, said, status, token};
use super::{gitea_sim, github_sim, gitlab_sim};

fn limited(status: u16, header: (&'static str, &str)) -> Fault {
    Fault::Answer(
        status,
        Some((header.0, header.1.to_owned())),
        json!({ "message": "slow down" }),
    )
}

fn secondary() -> Fault {
    let message = json!({ "message": "You have exceeded a secondary rate limit." });
    Fault::Answer(403, None, message)
}

fn plain(status: u16) -> Fault {
    Fault::Answer(status, None, Value::Null)
}

/// Every fault once before every request of a comment and a status: both stand there once in the end.
fn survives<F: Forge>(sim: &Sim, forge: &F) {
    let faults = [
        limited(429, ("retry-after", "0")),
        limited(403, ("x-ratelimit-remaining", "0")),
        limited(429, ("x-ratelimit-reset", "5")),
        secondary(),
        plain(502),
        plain(503),
        Fault::Drop,
        Fault::DoneAndDrop,
        Fault::Garbage,
        Fault::NotModified,
    ];
    for (round, fault) in faults.iter().enumerate() {
        for method in [Method::GET, Method::POST] {
            // These make no sense as answers to a write.
            if method == Method::POST && matches!(fault, Fault::NotModified) {
                continue;
            }
            let text = format!("round {round} {method}");
            sim.store().comments.clear();
            sim.store().faults.clear();
            sim.fail(Some(method.clone()), fault.clone());
            let put = sim
                .runtime
                .block_on(forge.put_comment(SEVEN(), &said("eu", &text)));
            assert!(put.is_ok(), "{fault:?} on {method}: {put:?}");
            let bodies: Vec<String> = sim
                .store()
                .comments
                .iter()
                .map(|c| c.body.clone())
                .collect();
            assert_eq!(bodies, [said("eu", &text).text()], "{fault:?} on {method}");
            assert!(sim.store().faults.is_empty(), "{fault:?} was met");
            sim.fail(Some(method.clone()), fault.clone());
            let put = sim
                .runtime
                .block_on(forge.put_status(&status(State::Failure, &text)));
            assert!(put.is_ok(), "{fault:?} on {method}: {put:?}");
        }
    }
}

#[test]
fn r_96_github_comes_through_faults() {
    let sim = github_sim::start();
    survives(&sim, &github(&sim, TOKEN));
}

#[test]
fn r_96_gitlab_comes_through_faults() {
    let sim = gitlab_sim::start();
    survives(&sim, &gitlab(&sim, TOKEN));
}

#[test]
fn r_96_gitea_comes_through_faults() {
    let sim = gitea_sim::start();
    survives(&sim, &gitea(&sim, TOKEN));
}

#[test]
fn r_24_a_comment_that_is_written_as_the_line_breaks_is_not_written_twice() {
    let sim = gitea_sim::start();
    let forge = gitea(&sim, TOKEN);
    sim.fail(Some(Method::POST), Fault::DoneAndDrop);
    let put = sim
        .runtime
        .block_on(forge.put_comment(SEVEN(), &said("eu", "once")));
    assert_eq!(put, Ok(Put::Same), "it was found");
    assert_eq!(sim.store().comments.len(), 1);
    let posts = sim
        .store()
        .requests
        .iter()
        .filter(|r| r.starts_with("POST"))
        .count();
    assert_eq!(posts, 1);
}

#[test]
fn r_96_a_forge_that_stays_away_costs_a_few_requests_and_no_time() {
    let sim = github_sim::start();
    let forge = github(&sim, TOKEN);
    for fault in [plain(502), Fault::Drop, secondary(), Fault::Garbage] {
        let before = sim.store().requests.len();
        (0..20).for_each(|_| sim.fail(None, fault.clone()));
        let error = sim
            .runtime
            .block_on(forge.put_status(&status(State::Success, "x")))
            .unwrap_err();
        assert!(
            matches!(error.class(), "unreachable" | "limited"),
            "{error}"
        );
        let count = sim.store().requests.len() - before;
        assert_eq!(count, PATIENCE.attempts as usize, "{fault:?}");
        sim.store().faults.clear();
    }
    // Longer than one can wait is not waited for.
    sim.fail(None, limited(429, ("retry-after", "3600")));
    let started = Instant::now();
    let error = sim.runtime.block_on(forge.pull(SEVEN())).unwrap_err();
    assert_eq!(error.class(), "limited", "{error}");
    assert!(started.elapsed() < PATIENCE.total);
}

#[test]
fn r_96_full_is_full() {
    let sim = github_sim::start();
    sim.store().most_statuses = 1;
    let forge = github(&sim, TOKEN);
    sim.runtime.block_on(async {
        assert_eq!(
            forge.put_status(&status(State::Pending, "a")).await,
            Ok(Put::Created)
        );
        let put = forge.put_status(&status(State::Success, "b")).await;
        assert!(
            matches!(&put, Ok(Put::Skipped(why)) if why.contains("maximum")),
            "{put:?}"
        );
    });
    let posts = sim
        .store()
        .requests
        .iter()
        .filter(|r| r.starts_with("POST"))
        .count();
    assert_eq!(posts, 2, "a thousandth status is not tried again");
}

#[test]
fn r_99_a_pull_request_that_is_gone_ends_the_matter() {
    let sim = gitlab_sim::start();
    sim.store().pulls.clear();
    let forge = gitlab(&sim, TOKEN);
    let error = sim
        .runtime
        .block_on(forge.put_comment(SEVEN(), &said("eu", "x")))
        .unwrap_err();
    assert_eq!(error.class(), "missing", "{error}");
    assert!(
        sim.store().requests.len() <= 3,
        "{:?}",
        sim.store().requests
    );
}

#[test]
fn s_64_s_66_what_a_forge_says_is_told_without_the_token() {
    let sim = github_sim::start();
    let wrong = "wr0ng-token-that-must-not-show";
    let forge = github(&sim, wrong);
    let error = sim.runtime.block_on(forge.pull(SEVEN())).unwrap_err();
    let ForgeError::Denied {
        reason,
        status: 401,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(
        reason.contains("***"),
        "the forge repeats what it was given: {reason}"
    );
    assert!(!format!("{error} {error:?}").contains(wrong));
    let evil = Fault::Answer(
        422,
        None,
        json!({ "message": format!("\u{1b}[2J{TOKEN}\u{202e}") }),
    );
    sim.fail(None, evil);
    let error = sim
        .runtime
        .block_on(github(&sim, TOKEN).pull(SEVEN()))
        .unwrap_err()
        .to_string();
    assert!(!error.contains(TOKEN) && !error.contains('\u{1b}') && !error.contains('\u{202e}'));
}

/// A forge that sends a reader on to another host.
fn sent_elsewhere<F: Forge>(sim: &Sim, other: &Sim, forge: &F) {
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/anywhere", other.address);
        sim.fail(
            None,
            Fault::Answer(status, Some(("location", target)), Value::Null),
        );
        let error = sim.runtime.block_on(forge.pull(SEVEN())).unwrap_err();
        assert_eq!(error.class(), "unreachable", "{status}: {error}");
    }
    assert!(other.store().requests.is_empty());
}

#[test]
fn s_14_a_token_goes_to_its_host_only() {
    let other = github_sim::start();
    let sim = github_sim::start();
    sent_elsewhere(&sim, &other, &github(&sim, TOKEN));
    let sim = gitlab_sim::start();
    sent_elsewhere(&sim, &other, &gitlab(&sim, TOKEN));
    let sim = gitea_sim::start();
    sent_elsewhere(&sim, &other, &gitea(&sim, TOKEN));
    for address in [
        "http://forge.example",
        "ftp://x",
        "https://u:p@forge.example",
        "nonsense",
        "",
    ] {
        let made = Link::new(
            address,
            Auth::Bearer(token(TOKEN)),
            Patience::default(),
            Vec::new(),
        );
        let Err(error) = made else {
            panic!("{address}")
        };
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
    for text in ["", " ", "two words", "line\nbreak", "ünïcode"] {
        assert!(Token::new(text).is_none(), "{text:?}");
    }
}

#[test]
fn a_jobs_own_token_writes_under_the_name_of_its_bot() {
    let sim = github_sim::start();
    let link = Link::new(
        &sim.address,
        Auth::Bearer(token(TOKEN)),
        PATIENCE,
        Vec::new(),
    )
    .unwrap();
    let forge = GitHub::new(link, "team/platform", Some(BOT));
    let denied = json!({ "message": "Resource not accessible by integration" });
    sim.fail(Some(Method::GET), Fault::Answer(403, None, denied));
    sim.runtime.block_on(async {
        assert_eq!(
            forge.put_comment(SEVEN(), &said("eu", "a")).await,
            Ok(Put::Created)
        );
        assert_eq!(
            forge.put_comment(SEVEN(), &said("eu", "b")).await,
            Ok(Put::Updated)
        );
    });
}
