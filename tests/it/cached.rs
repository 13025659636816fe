//! What a cache knows never changes what is said: after any row of changes, judging with it gives what
//! judging without it gives.

use std::sync::Arc;

use kubemate::adapters::cache::{Cache, CacheLimits};
use kubemate::adapters::judge::{self, Judge, Verdict};
use kubemate::adapters::worker::Workers;
use kubemate::model::job::Want;
use kubemate::source::SourceTree;
use proptest::prelude::*;

use crate::language::tree;

const FILES: [(&str, &str); 6] = [
    (
        "kubemate.kdl",
        r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  cluster hall uid="0f8fad5b-d9cb-469f-a165-70867728950e"
  environment dev { cluster lab; let domain="dev.shop.example" }
  environment prod { cluster hall; let domain="shop.example" }
  ownership {
    path "tenants/web/**" tenant=web
    path "tenants/stock/**" tenant=stock
  }
}
"#,
    ),
    ("platform/tenants.kdl", "tenant web\ntenant stock\n"),
    (
        "platform/profiles.kdl",
        "profile small cpu=\"100m\" {\n  resources { requests cpu=\"${cpu}\" memory=\"64Mi\" }\n}\n",
    ),
    (
        "tenants/stock/stock.kdl",
        "app stock tenant=stock {\n  use small\n  image \"example/stock\"\n  version \"1.0.0\"\n}\n",
    ),
    (
        "tenants/web/cart.kdl",
        "// kept apart\napp cart tenant=web {\n  use small cpu=\"200m\"\n  image \"example/cart\"\n  version \"1.0.0\"\n  port http 8080\n}\n",
    ),
    (
        "tenants/web/shop.kdl",
        "let host=\"www.${domain}\"\napp shop tenant=web {\n  image \"example/shop\"\n  version \"2.0.0\"\n  env { HOST \"${host}\" }\n  needs app=cart\n  in prod { replicas 3 }\n}\n",
    ),
];

/// One change of a project.
#[derive(Debug, Clone)]
enum Change {
    /// A piece of a file goes.
    Cut(usize, prop::sample::Index, u8),
    /// Something is put into a file.
    Insert(usize, prop::sample::Index, &'static str),
    /// A file is as it was at first.
    Restore(usize),
    /// A file goes, which changes the numbers of all behind it.
    Remove(usize),
    /// A file comes.
    Add(u8),
}

/// What is put into a file somewhere.
const WORDS: &[&str] = &[
    "x",
    "{",
    "}",
    "\"",
    "\n",
    " 1 ",
    "/-",
    "app cart tenant=web\n",
    "${host}",
];

fn change() -> impl Strategy<Value = Change> {
    let file = 0..FILES.len();
    let place = any::<prop::sample::Index>();
    prop_oneof![
        3 => (file.clone(), place, 1..9_u8).prop_map(|(f, at, n)| Change::Cut(f, at, n)),
        3 => (file.clone(), any::<prop::sample::Index>(), prop::sample::select(WORDS))
            .prop_map(|(f, at, word)| Change::Insert(f, at, word)),
        3 => file.clone().prop_map(Change::Restore),
        1 => file.prop_map(Change::Remove),
        1 => (0..3_u8).prop_map(Change::Add),
    ]
}

fn apply(change: &Change, files: &mut Vec<(String, String)>) {
    let boundary = |text: &str, at: usize| {
        (0..=at)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap()
    };
    let find = |files: &[(String, String)], file: usize| {
        files.iter().position(|(path, _)| path == FILES[file].0)
    };
    match change {
        Change::Cut(file, at, length) => {
            if let Some(index) = find(files, *file) {
                let text = &mut files[index].1;
                let from = boundary(text, at.index(text.len() + 1));
                let to = boundary(text, (from + usize::from(*length)).min(text.len()));
                text.replace_range(from..to, "");
            }
        }
        Change::Insert(file, at, word) => {
            if let Some(index) = find(files, *file) {
                let text = &mut files[index].1;
                let at = boundary(text, at.index(text.len() + 1));
                text.insert_str(at, word);
            }
        }
        Change::Restore(file) => {
            let (path, text) = FILES[*file];
            files.retain(|(other, _)| other != path);
            files.push((path.into(), text.into()));
        }
        Change::Remove(file) => files.retain(|(path, _)| path != FILES[*file].0),
        Change::Add(number) => {
            let path = format!("platform/added-{number}.kdl");
            files.retain(|(other, _)| *other != path);
            files.push((path, format!("// file {number}\n")));
        }
    }
}

fn judge_with(cache: Option<Cache>, tree: &SourceTree) -> Verdict {
    let workers = Workers::InProcess(Arc::new(judge::work));
    Judge::new(workers, cache.map(|cache| (cache, "this".to_owned()))).judge(tree, &Want::Check)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_changes_nothing_that_is_said(changes in prop::collection::vec(change(), 1..8)) {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::new(scratch.path().to_owned(), CacheLimits::default());
        let mut files: Vec<(String, String)> = FILES.map(|(path, text)| (path.into(), text.into())).to_vec();
        let sound = judge_with(Some(cache.clone()), &tree(&FILES));
        prop_assert!(sound.diagnostics.is_empty(), "{:?}", sound.diagnostics);
        for change in &changes {
            apply(change, &mut files);
            let named: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            let tree = tree(&named);
            let plain = judge_with(None, &tree);
            // Twice: what was stored by the first is used by the second.
            for _ in 0..2 {
                let cached = judge_with(Some(cache.clone()), &tree);
                prop_assert_eq!(&cached.diagnostics, &plain.diagnostics);
                prop_assert_eq!(&cached.outcomes, &plain.outcomes);
                prop_assert_eq!(&cached.failed, &plain.failed);
            }
        }
    }
}

#[test]
fn an_unchanged_file_is_not_parsed_again() {
    let scratch = tempfile::tempdir().unwrap();
    let cache = || Cache::new(scratch.path().to_owned(), CacheLimits::default());
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let spy = Arc::clone(&seen);
    let work = move |request: &[u8]| {
        let answer = judge::work(request);
        spy.lock().unwrap().push((request.len(), answer.len()));
        answer
    };
    let judge = |files: &[(&str, &str)]| {
        let workers = Workers::InProcess(Arc::new(work.clone()));
        let verdict = Judge::new(workers, Some((cache(), "this".to_owned())))
            .judge(&tree(files), &Want::Check);
        assert!(verdict.diagnostics.is_empty(), "{:?}", verdict.diagnostics);
        std::mem::take(&mut *seen.lock().unwrap())
    };
    let cold = judge(&FILES);
    assert_eq!(cold.len(), 4, "the project, the platform and two tenants");
    assert!(judge(&FILES).is_empty(), "everything is known");
    let mut changed = FILES.to_vec();
    changed[5].1 =
        "app shop tenant=web { image \"example/shop\"; version \"2.0.1\"; needs app=cart }\n";
    let warm = judge(&changed);
    assert_eq!(
        warm.len(),
        1,
        "only the tenant of the changed file is asked"
    );
    // A new file before all others changes the number of each, and still none is parsed again.
    changed.insert(0, ("a.kdl", "// new\n"));
    let shifted = judge(&changed);
    assert_eq!(shifted.len(), 4);
    let tenants_answer = |answers: &[(usize, usize)]| answers.last().unwrap().1;
    assert!(
        tenants_answer(&shifted) < tenants_answer(&cold),
        "{shifted:?} {cold:?}"
    );
}
