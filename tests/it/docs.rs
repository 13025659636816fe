//! Documentation and schemas that are written from the source are what the source says, every block of
//! KDL in the documentation means what it claims, every link within it leads somewhere, and a page in
//! another language shows the blocks of its original.
#![expect(clippy::disallowed_methods, reason = "the rules are about files")]

use std::path::{Path, PathBuf};
use std::process::Command;

use kubemate::report::{explain, reference};

use crate::codes::{found, with_project};
use crate::language::{judge, tree};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Compares a committed file with what it must say; writes it where that is asked for.
fn compare(path: &str, current: &str, stale: &mut Vec<String>) {
    let file = Path::new(ROOT).join(path);
    if std::env::var("KUBEMATE_BLESS").is_ok() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, current).unwrap();
    }
    if std::fs::read_to_string(&file).unwrap_or_default() != current {
        stale.push(path.to_owned());
    }
}

fn assert_fresh(stale: &[String]) {
    assert!(
        stale.is_empty(),
        "stale: {}; `KUBEMATE_BLESS=1 cargo test --test it docs::` renews them",
        stale.join(", ")
    );
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    let mut stale = Vec::new();
    let plan = format!("{:#}\n", kubemate::plan::display::json::schema());
    compare("schema/plan.json", &plan, &mut stale);
    let mut known = vec!["diagnostics.json".to_owned(), "plan.json".to_owned()];
    for kind in explain::kind_names().filter_map(explain::kind) {
        let name = format!("{}.json", kind.name);
        compare(
            &format!("schema/{name}"),
            &format!("{:#}\n", kind.json),
            &mut stale,
        );
        known.push(name);
    }
    assert_fresh(&stale);
    for entry in std::fs::read_dir(Path::new(ROOT).join("schema")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Each CRD has a test of its own.
        let crds = ["sync-crd.yaml", "hold-crd.yaml", "approval-crd.yaml"];
        let of_no_kind = crds.contains(&name.as_str());
        assert!(
            of_no_kind || known.contains(&name),
            "schema/{name} belongs to no kind"
        );
    }
}

#[test]
fn committed_reference_pages_are_those_of_the_source() {
    let mut stale = Vec::new();
    compare("docs/reference/kinds.md", &reference::kinds(), &mut stale);
    compare("docs/reference/codes.md", &reference::codes(), &mut stale);
    let cli = Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args(["docs", "cli"])
        .output()
        .unwrap();
    compare(
        "docs/reference/cli.md",
        &String::from_utf8(cli.stdout).unwrap(),
        &mut stale,
    );
    assert_fresh(&stale);
}

/// A fenced block: the words behind the fence, its text, and where it stands.
pub(crate) struct Block {
    pub(crate) info: String,
    pub(crate) text: String,
    pub(crate) place: String,
}

pub(crate) fn blocks(path: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open) {
            (Some(info), false) => {
                let place = format!("{}:{}", path.display(), index + 1);
                found.push(Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    place,
                });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = found.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    found
}

impl Block {
    /// What a word behind the fence says.
    pub(crate) fn word(&self, key: &str) -> Option<&str> {
        let mut words = self.info.split_whitespace();
        words.find_map(|word| word.strip_prefix(key))
    }

    /// The codes of what is wrong with it.
    pub(crate) fn fails(&self) -> Vec<&str> {
        let fails = self.word("fails=").map(|codes| codes.split(',').collect());
        fails.unwrap_or_default()
    }
}

fn pages() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join("docs"), &mut found);
    let readme = Path::new(ROOT).join("README.md");
    found.extend(readme.exists().then_some(readme));
    found.sort();
    found
}

/// What pages about one kind leave out: tenants, files and resources that their excerpts refer to.
const ELSEWHERE: &[&str] = &["KM0405", "KM0406", "KM0411", "KM0524", "KM0580"];

/// What a block lies over, and where it stands by its own words or by its content.
fn complaint(block: &Block) -> Option<String> {
    let fails = block.fails();
    let guessed = if block.text.contains("project ") && block.text.contains("schema=") {
        "kubemate.kdl"
    } else if block.text.contains("tenant=web") {
        "tenants/web/example.kdl"
    } else if block.text.contains("tenant=stock") {
        "tenants/stock/example.kdl"
    } else {
        "platform/example.kdl"
    };
    let path = block.word("file=").unwrap_or(guessed);
    let diagnostics = judge(&tree(&with_project(&[(path, &block.text)])));
    let mut said = found(&diagnostics);
    if block.place.contains("docs/kinds/") {
        said.retain(|code| !ELSEWHERE.contains(&code.as_str()));
    }
    if said == fails {
        return None;
    }
    let list: Vec<String> = diagnostics
        .iter()
        .map(|d| format!("  {} {}", d.code, d.message))
        .collect();
    Some(format!(
        "{} as {path}, expected {fails:?}:\n{}",
        block.place,
        list.join("\n")
    ))
}

#[test]
fn every_block_of_kdl_means_what_it_claims() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for page in pages()
        .iter()
        // The guides of kinds are tested with their kinds, beside what their blocks refer to; the tutorial
        // is followed.
        .filter(|p| {
            let elsewhere = ["reference/codes.md", "tutorial.md"];
            !elsewhere.iter().any(|name| p.ends_with(name))
                && !p.to_string_lossy().contains("docs/kinds/")
        })
    {
        for block in blocks(page)
            .iter()
            .filter(|b| b.info.split_whitespace().next() == Some("kdl"))
        {
            seen += 1;
            complaints.extend(complaint(block));
        }
    }
    assert!(seen > 3, "only {seen} blocks of KDL were found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// How deep each heading of a page is.
fn levels(path: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(path).unwrap();
    let depth = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let depths = prose(&text).map(|(_, line)| depth(line));
    depths.filter(|depth| *depth > 0).collect()
}

#[test]
fn translations_show_the_blocks_and_parts_of_their_originals() {
    let root = Path::new(ROOT);
    let shown = |path: &Path| -> Vec<(String, String)> {
        blocks(path).into_iter().map(|b| (b.info, b.text)).collect()
    };
    let mut seen = 0;
    for page in pages() {
        let Ok(name) = page.strip_prefix(root.join("docs/zh")) else {
            continue;
        };
        let original = if name == Path::new("README.md") {
            root.join(name)
        } else {
            root.join("docs").join(name)
        };
        assert_eq!(shown(&page), shown(&original), "{}", page.display());
        assert_eq!(levels(&page), levels(&original), "{}", page.display());
        seen += 1;
    }
    assert!(seen > 6, "only {seen} translations were found");
}

/// The lines of a page outside of its blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut open = false;
    (1_usize..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    })
}

/// The anchors that forges give to the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            heading.replace(' ', "-").chars().filter(kept).collect()
        })
        .collect()
}

/// Whether a link of a page leads to a file or directory, and to a heading where it names one.
fn leads_somewhere(page: &Path, target: &str) -> bool {
    // Tests reach no other host.
    if target.contains("://") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        page.to_owned()
    } else {
        page.parent().unwrap().join(path)
    };
    if anchor.is_empty() {
        return file.exists();
    }
    std::fs::read_to_string(file).is_ok_and(|text| anchors(&text).iter().any(|a| a == anchor))
}

#[test]
fn every_link_leads_somewhere() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for (number, line) in prose(&text) {
            let targets = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split_once(')'));
            for (target, _) in targets {
                seen += 1;
                if !leads_somewhere(&page, target) {
                    complaints.push(format!("{}:{number}: {target}", page.display()));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn links_to_nowhere_are_found() {
    let page = Path::new(ROOT).join("docs/tutorial.md");
    for (target, expected) in [
        ("reference/kinds.md", true),
        ("how-to", true),
        ("#1-a-project", true),
        ("zh/tutorial.md#1-项目", true),
        ("https://host.example/page", true),
        ("reference/kind.md", false),
        ("docs/reference/kinds.md", false),
        ("#2-a-project", false),
        ("zh/tutorial.md#1-a-project", false),
    ] {
        assert_eq!(leads_somewhere(&page, target), expected, "{target}");
    }
}
