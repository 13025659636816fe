//! A membership with an end, from the command line: wanted before, not wanted after, said both times.

use serde_json::Value;

use super::project::Bank;
use crate::bed;

const FILE: &str = "platform/tenants/web.kdl";

fn members(env: &str) -> Vec<String> {
    let namespace = format!("web-{env}");
    let args = [
        "get",
        "rolebinding",
        "kubemate-role-viewer",
        "-n",
        &namespace,
        "-o",
        "json",
    ];
    let binding: Value = serde_json::from_str(&bed::cluster().kubectl(&args)).unwrap();
    let subjects = binding["subjects"].as_array().cloned().unwrap_or_default();
    subjects
        .iter()
        .map(|s| s["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn who_has_left_is_not_wanted_and_a_render_does_not_know() {
    let bank = Bank::of(&["web"]);
    let (env, direct) = (bank.dev(), bed::cluster().kubeconfig());
    let member =
        "member lead-web role=admin\n  member li role=viewer until=\"2098-12-01T18:00+08:00\"";
    bank.edit(FILE, |text| {
        text.replace("member lead-web role=admin", member)
    });
    let plan = bank.run(direct, &["plan", "--env", env]);
    assert!(
        plan.all()
            .contains("it will end for li on 2098-12-01T18:00+08:00"),
        "{}",
        plan.end()
    );
    bank.apply(env);
    assert_eq!(members(env), ["li"]);

    bank.edit(FILE, |text| text.replace("2098-", "2020-"));
    let plan = bank.run(direct, &["plan", "--env", env]);
    assert!(
        plan.all()
            .contains("it has ended for li on 2020-12-01T18:00+08:00"),
        "{}",
        plan.end()
    );
    let rendered = bank.run(direct, &["render", "--env", env]);
    assert!(
        rendered.out.contains("name: li\n"),
        "the render bears every member"
    );
    bank.apply(env);
    assert_eq!(members(env), Vec::<String>::new());
    let plan = bank.run(direct, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(
        (plan.code, plan.out.as_str()),
        (0, "no changes\n"),
        "{}",
        plan.end()
    );

    // Who comes back is wanted again.
    bank.edit(FILE, |text| text.replace("2020-", "2097-"));
    bank.apply(env);
    assert_eq!(members(env), ["li"]);
}

#[test]
fn a_plan_of_two_commits_tells_of_ends_too() {
    let bank = Bank::of(&["web"]);
    let env = bank.dev();
    let base = bank.commit();
    let members = "member lead-web role=admin\n  member li role=viewer until=\"2098-12-01T18:00+08:00\"\n  \
        member bo role=viewer until=\"2020-12-01T18:00+08:00\"";
    bank.edit(FILE, |text| {
        text.replace("member lead-web role=admin", members)
    });
    bank.commit();
    let nowhere = bank.path("no-kubeconfig");
    let plan = bank.run(
        &nowhere,
        &["plan", "--env", env, "--offline", "--base", &base],
    );
    let said = plan.all();
    for words in [
        "it will end for li on 2098-12-01T18:00+08:00",
        "it has ended for bo on 2020-12-01T18:00+08:00",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("User bo"), "{said}");
}
