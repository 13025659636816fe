//! The law of spans: change a sound file anywhere, and either an error points at the change, or the
//! file is still sound and means something else.

use kubemate::dsl::diagnostic::Diagnostics;
use kubemate::model::job::{Job, Want};
use kubemate::model::layout::Layout;
use kubemate::model::{compile, platform};
use kubemate::source::SourceTree;
use proptest::prelude::*;

use crate::codes::with_project;
use crate::language::{judge, tree};

const PATH: &str = "tenants/web/shop.kdl";
const GOOD: &str = r#"profile small cpu="100m" {
  resources {
    requests cpu="${cpu}" memory="64Mi"
    limits memory="128Mi"
  }
}

app shop tenant=web {
  use small cpu="250m"
  image "${registry}/shop"
  version "1.4.0"
  port http 8080
  port metrics 9090 scrape="/metrics"
  args "--listen" ":8080"
  env {
    LOG_LEVEL info
    HOST "shop.${domain}"
    POD_NAME fact=pod-name
  }
  config settings mount="/etc/shop" {
    value basket "50"
  }
  volume cache mount="/var/cache" ephemeral=#true size="1Gi"
  probe readiness path="/readyz" port=http every="5s"
  autoscale min=3 max=20 {
    metric cpu target="70%"
    scale-down over="5m"
  }
  shutdown grace="40s" drain="10s"
  placement {
    spread by=zone
  }
  needs app=cart
  in dev {
    (remove)autoscale
    replicas 1
  }
  in prod {
    version "1.3.9"
  }
}

app cart tenant=web workload=stateful {
  use small
  image "${registry}/cart"
  version "2.0.0"
  port grpc 7000
  volume data mount="/data" size="10Gi" per-replica=#true
}
"#;

/// How a piece of the file is changed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Delete,
    Misspell,
    Retype,
    Swap(usize),
    DuplicateLine,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Delete),
        Just(Change::Misspell),
        Just(Change::Retype),
        any::<prop::sample::Index>().prop_map(|i| Change::Swap(i.index(usize::MAX))),
        Just(Change::DuplicateLine),
    ]
}

/// Words, texts and signs of the file as ranges of bytes.
fn tokens(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' => text[at + 1..].find('"').map_or(1, |end| end + 2),
            '{' | '}' | '=' | ';' => 1,
            _ => text[at..]
                .find(|c: char| c.is_whitespace() || "{}=;\"".contains(c))
                .unwrap_or(text.len() - at),
        };
        found.push(at..at + length);
        at += length;
    }
    found
}

/// The changed file, and the range of the change in it.
fn changed(token: usize, change: Change) -> (String, std::ops::Range<usize>) {
    let tokens = tokens(GOOD);
    let range = tokens[token % tokens.len()].clone();
    let old = &GOOD[range.clone()];
    let new = match change {
        Change::Delete => String::new(),
        Change::Misspell => misspelt(old),
        Change::Retype => {
            if old.parse::<f64>().is_ok() {
                "\"many\"".into()
            } else {
                "77".into()
            }
        }
        Change::Swap(other) => GOOD[tokens[other % tokens.len()].clone()].to_owned(),
        Change::DuplicateLine => {
            let start = GOOD[..range.start].rfind('\n').map_or(0, |i| i + 1);
            let end = GOOD[start..]
                .find('\n')
                .map_or(GOOD.len(), |i| start + i + 1);
            let text = format!("{}{}{}", &GOOD[..end], &GOOD[start..end], &GOOD[end..]);
            return (text, end..end + (end - start) - 1);
        }
    };
    let text = format!("{}{new}{}", &GOOD[..range.start], &GOOD[range.end..]);
    (text, range.start..range.start + new.len())
}

fn misspelt(word: &str) -> String {
    let middle = word.len() / 2;
    format!("{}q{}", &word[..middle], &word[middle..])
}

fn lines(text: &str, range: &std::ops::Range<usize>) -> std::ops::RangeInclusive<usize> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count();
    line(range.start)..=line(range.end)
}

/// The lines of the change, of the block inside a resource that it is part of, and those on which
/// the blocks around it open.
fn around(text: &str, range: &std::ops::Range<usize>) -> Vec<usize> {
    let mut open = Vec::new();
    for (index, c) in text[..range.start].char_indices() {
        match c {
            '{' => open.push(lines(text, &(index..index))),
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    if open.len() > 1 {
        let end = text[range.end..]
            .find('}')
            .map_or(text.len(), |i| range.end + i);
        open.push(*open[open.len() - 1].start()..=*lines(text, &(end..end)).start());
    }
    open.push(lines(text, range));
    open.into_iter().flatten().collect()
}

/// The top-level node that holds the change: what a lost brace may point at.
fn node(text: &str, range: &std::ops::Range<usize>) -> std::ops::RangeInclusive<usize> {
    let start = text[..range.start].rfind("\n\n").map_or(0, |i| i + 2);
    lines(text, &(start..text.len()))
}

/// Whether an error speaks of the place of the change.
fn pointed_at(
    text: &str,
    range: &std::ops::Range<usize>,
    old: &str,
    file: u32,
    found: &Diagnostics,
) -> bool {
    let braces = text.matches('{').count() != text.matches('}').count()
        || text.matches('"').count() != GOOD.matches('"').count();
    let near = around(text, range);
    let node = node(text, range);
    found.iter().any(|diagnostic| {
        let fixes = diagnostic.fixes.iter().map(|f| f.span);
        let related = diagnostic.related.iter().map(|l| l.span);
        let primary = diagnostic.primary.iter().map(|l| l.span);
        primary.chain(related).chain(fixes).any(|span| {
            let spanned = lines(text, &span.range());
            // A name that is gone is missed where it is used.
            let misses = text[span.range()].contains(old.trim_matches('"')) && !old.is_empty();
            span.file.0 == file
                && (misses
                    || near.iter().any(|line| spanned.contains(line))
                    || braces && spanned.clone().any(|line| node.contains(&line)))
        })
    })
}

/// What a use of the changed word would name: of a sign the word before it, of the parameter of a
/// profile its name, `cpu="250m"` is used as `${cpu}`.
fn name_of(token: usize) -> &'static str {
    let tokens = tokens(GOOD);
    let word = |index: usize| &GOOD[tokens[index].clone()];
    let index = token % tokens.len();
    match word(index) {
        "\"250m\"" | "\"100m\"" => "cpu",
        "=" | "{" | "}" if index > 0 => word(index - 1),
        old => old,
    }
}

/// All resources of all targets as composed.
fn meaning(tree: &SourceTree) -> String {
    let first = compile::judge(&platform::project_job(tree).unwrap()).outcome;
    let found = platform::project_of(&first).unwrap();
    let layout = Layout::of(&found.project);
    let base = compile::judge(&platform::platform_job(tree, &layout, Want::Check));
    let jobs: Vec<Job> = platform::tenant_jobs(tree, &layout, &base.outcome.parsed, &Want::Check);
    let mut text = String::new();
    for job in &jobs {
        for (target, world) in compile::judge(job).worlds {
            for (id, member) in &world.resources {
                text.push_str(&format!(
                    "{target:?} {id} {}\n",
                    member.resource.to_json().unwrap()
                ));
            }
        }
    }
    text
}

/// What breaks the law, if anything does.
fn breach(token: usize, change: Change) -> Option<String> {
    let (text, range) = changed(token, change);
    if text == GOOD {
        return None;
    }
    let tree = tree(&with_project(&[(PATH, &text)]));
    let diagnostics = judge(&tree);
    let (file, _) = tree.find(PATH).unwrap();
    if diagnostics.has_errors() {
        let old = name_of(token);
        let ok = pointed_at(&text, &range, old, file.0, &diagnostics);
        let said: Vec<String> = diagnostics
            .iter()
            .map(|d| format!("{} {} at {:?}", d.code, d.message, d.primary))
            .collect();
        return (!ok)
            .then(|| format!("no error points at {range:?}:\n{text}\n{}", said.join("\n")));
    }
    let before = meaning(&crate::language::tree(&with_project(&[(PATH, GOOD)])));
    (meaning(&tree) == before).then(|| format!("nothing came of the change at {range:?}:\n{text}"))
}

#[test]
fn the_file_is_sound_before_it_is_changed() {
    let all = judge(&tree(&with_project(&[(PATH, GOOD)])));
    let said: Vec<_> = all
        .iter()
        .map(|d| format!("{} {}", d.code, d.message))
        .collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn every_deleted_and_every_misspelt_word_is_noticed() {
    let breaches: Vec<String> = (0..tokens(GOOD).len())
        .flat_map(|token| [Change::Delete, Change::Misspell].map(|change| (token, change)))
        .filter_map(|(token, change)| Some(format!("{change:?} {}", breach(token, change)?)))
        .collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_change_is_pointed_at_or_means_something_else(token in 0usize..500, change in change()) {
        let breach = breach(token, change);
        prop_assert!(breach.is_none(), "{change:?} {}", breach.unwrap_or_default());
    }
}
