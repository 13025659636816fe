//! The language end to end, without processes: a tree in, diagnostics out.

use kubemate::dsl::diagnostic::{Diagnostic, Diagnostics};
use kubemate::model::job::{Job, Outcome, Want};
use kubemate::model::layout::Layout;
use kubemate::model::{compile, platform};
use kubemate::source::{RepoPath, SourceFile, SourceTree};

/// A tree from paths and texts.
pub(crate) fn tree(files: &[(&str, &str)]) -> SourceTree {
    let file = |(path, text): &(&str, &str)| {
        SourceFile::from_bytes(RepoPath::new(path).unwrap(), text.as_bytes().to_vec())
    };
    SourceTree::new(files.iter().map(file).collect()).unwrap()
}

/// Judges a whole tree in this process.
pub(crate) fn judge(tree: &SourceTree) -> Diagnostics {
    let run = |job: &Job| -> Outcome { compile::judge(job).outcome };
    let mut out = Diagnostics::default();
    let first = match platform::project_job(tree) {
        Ok(job) => run(&job),
        Err(problem) => {
            out.push(problem);
            return out.finish();
        }
    };
    let Some(found) = platform::project_of(&first) else {
        out.append(first.diagnostics);
        return out.finish();
    };
    let layout = Layout::of(&found.project);
    out.append(platform::judge_tree(tree, &found, &layout));
    let base = run(&platform::platform_job(tree, &layout, Want::Check));
    let tenants: Vec<Outcome> = platform::tenant_jobs(tree, &layout, &base.parsed, &Want::Check)
        .iter()
        .map(run)
        .collect();
    let mut all: Vec<&Outcome> = vec![&base];
    all.extend(&tenants);
    out.append(platform::conclude(&all));
    for outcome in all {
        out.append(outcome.diagnostics.clone());
    }
    out.finish()
}

const PROJECT: &str = r#"
project bank schema=1 {
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster hq }
}
"#;

#[test]
fn a_sound_project_has_no_diagnostics() {
    let store = r#"secret-store vault server="https://vault.bank" { allow tenant=a "kv/a/*" }"#;
    let all = judge(&tree(&[("kubemate.kdl", PROJECT), ("stores.kdl", store)]));
    let texts: Vec<_> = all
        .iter()
        .map(|d| format!("{} {}", d.code, d.message))
        .collect();
    assert_eq!(texts, ["KM0405 there is no tenant `a`"]);
}

#[test]
fn mistakes_are_found_where_they_are() {
    let text =
        "secret-store vault sever=\"https://vault.bank\" provider=valut {\n  alow tenant=a\n}\n";
    let all = judge(&tree(&[("kubemate.kdl", PROJECT), ("stores.kdl", text)]));
    let texts: Vec<_> = all
        .iter()
        .map(|d| {
            let at = d.primary.as_ref().unwrap().span;
            format!("{} {} @ {}", d.code, d.message, &text[at.range()])
        })
        .collect();
    insta::assert_debug_snapshot!(texts, @r#"
    [
        "KM0201 unknown field `sever` @ sever",
        "KM0203 `valut` is not one of vault, kubernetes @ valut",
        "KM0201 unknown field `alow` @ alow",
    ]
    "#);
}

/// Judges a file of one tenant and returns the codes of what is said.
fn said_of(text: &str) -> Vec<String> {
    let started = std::time::Instant::now();
    let tenant = ("tenant.kdl", "tenant web\n");
    let all = judge(&tree(&[
        ("kubemate.kdl", PROJECT),
        tenant,
        ("bomb.kdl", text),
    ]));
    let spent = started.elapsed();
    assert!(spent.as_secs() < 20, "{spent:?} for {text:.60}");
    let mut codes: Vec<String> = all.iter().map(|d| d.code.to_string()).collect();
    codes.dedup();
    codes
}

#[test]
fn s_23_profiles_that_multiply_are_refused() {
    // A hundred to the power of four, if each were followed.
    let mut text = String::new();
    for level in 0..4 {
        let uses: String = (0..100)
            .map(|n| format!("use p{}-{n}; ", level + 1))
            .collect();
        let body = if level == 3 { "replicas 1" } else { &uses };
        (0..100).for_each(|n| text.push_str(&format!("profile p{level}-{n} {{ {body} }}\n")));
    }
    text.push_str("app shop tenant=web { use p0-0; image i; version \"1\" }\n");
    assert_eq!(said_of(&text), ["KM0312"]);
}

#[test]
fn s_23_values_that_multiply_are_refused() {
    // A thousand to the power of six, and all of it nothing.
    let lets: String = (1..7)
        .map(|n| {
            format!(
                "let v{n}=\"{}\"\n",
                format!("${{v{}}}", n - 1).repeat(1_000)
            )
        })
        .collect();
    let text =
        format!("let v0=\"\"\n{lets}app shop tenant=web {{ image \"i${{v6}}\"; version \"1\" }}\n");
    assert_eq!(said_of(&text), ["KM0307"]);
}

#[test]
fn many_names_that_nobody_knows_cost_no_more_than_many_names() {
    let profiles: String = (0..2_000)
        .map(|n| format!("profile p{n:05} {{ replicas 1 }}\n"))
        .collect();
    let apps: String = (0..2_000)
        .map(|n| format!("app a{n:05} tenant=web {{ use q{n:05}; image i; version \"1\" }}\n"))
        .collect();
    assert_eq!(said_of(&format!("{profiles}{apps}")), ["KM0310"]);
}

/// What is said of two tenants, each with a listener and a route for a host.
fn hosts(one: &str, other: &str) -> Vec<String> {
    let tenant = |name: &str, host: &str| {
        format!(
            "tenant {name} {{\n  gateway edge {{ listener web port=80 host=\"{host}\" }}\n}}\n\
             app web tenant={name} {{ image i; version \"1\"; port http 8080 }}\n\
             route web tenant={name} gateway=edge {{\n  host \"{host}\"\n  rule path=\"/\" {{ to web port=http }}\n}}\n"
        )
    };
    let (one, other) = (tenant("one", one), tenant("other", other));
    let files = [
        ("kubemate.kdl", PROJECT),
        ("one.kdl", &one),
        ("other.kdl", &other),
    ];
    let said = judge(&tree(&files));
    let clashes = said.iter().filter(|d| d.code.to_string() == "KM0413");
    clashes.map(|d| d.message.clone()).collect()
}

#[test]
fn a_tenant_has_no_host_under_the_wildcard_of_another() {
    let under = |host: &str, above: &str| {
        hosts(host, above).iter().any(|said| {
            said.contains(&format!(
                "host `{host}` of `tenant/one` lies under `{above}` of `tenant/other`"
            ))
        })
    };
    assert!(under("shop.pay.bank", "*.pay.bank"));
    assert!(under("a.shop.pay.bank", "*.pay.bank"));
    assert!(under("*.shop.pay.bank", "*.pay.bank"));
    assert!(hosts("pay.bank", "*.pay.bank").is_empty());
    assert!(hosts("shop.pay.bank", "*.web.bank").is_empty());
    assert!(hosts("shoppay.bank", "*.pay.bank").is_empty());
}

#[test]
fn nobody_is_asked_to_export_what_would_be_of_no_use() {
    let told = |text: &str| -> Vec<String> {
        let files = [("tenants/web/more.kdl", text)];
        let all = judge(&tree(&crate::codes::with_project(&files)));
        let told = |d: &Diagnostic| format!("{} {}", d.code, d.help.join("; "));
        all.iter().map(told).collect()
    };
    let app = "app shop tenant=web namespace=\"stock/core\" { image i; version \"1.0.0\" }\n";
    assert_eq!(
        told(app),
        ["KM0406 name a namespace of your own: no tenant can export one"]
    );
    let route = "route shop tenant=web gateway=\"stock/public\" { rule path=\"/\" { to \"stock/shelf\" } }\n";
    assert_eq!(
        told(route),
        [
            "KM0570 name a gateway of tenant `web`",
            "KM0571 let that tenant write a route of its own"
        ]
    );
}
