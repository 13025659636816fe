//! Input made to cost much, given to the whole program: how long until it is refused, where, and what
//! that adds to the memory of the process that commands the workers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::process::{self, Peak, Ran};

/// A file that costs much, or several of them.
struct Bomb {
    name: String,
    /// The code that must be among the answers; none for what is refused before any file is read.
    code: &'static str,
    /// What stands in `tenants/red/bomb.kdl`.
    text: String,
    /// How many further files there are.
    files: usize,
}

impl Bomb {
    fn says(&self) -> &'static str {
        if self.code.is_empty() {
            "the limit"
        } else {
            self.code
        }
    }
}

/// Time until the answer.
pub(crate) const WALL: Duration = Duration::from_secs(1);
/// Growth of the parent's memory over that for a small project.
pub(crate) const GROWTH_KIB: u64 = 64 * 1024;

/// Prints one row for each bomb, and whether all keep to the limits.
pub(crate) fn table(scratch: &Path) -> bool {
    println!("| bomb | refused with | at | time | processor | parent grows by |");
    println!("|---|---|---|---|---|---|");
    let none = Bomb {
        name: String::new(),
        code: "",
        text: String::new(),
        files: 0,
    };
    let base = weigh(&place(scratch, &none), scratch).parent;
    let mut good = true;
    for bomb in bombs() {
        let root = place(scratch, &bomb);
        let mut runs: Vec<Ran> = (0..5).map(|_| once(&root, scratch)).collect();
        runs.sort_by_key(|ran| ran.wall);
        let ran = &runs[2];
        let growth = weigh(&root, scratch).parent.saturating_sub(base);
        let (found, at) = refusal(ran, bomb.code);
        let kept = ran.wall <= WALL && growth <= GROWTH_KIB && found && ran.code != Some(0);
        good &= kept;
        println!(
            "| {} | {} | {at} | {:.0} ms | {:.0} ms | {:.1} MiB{} |",
            bomb.name,
            if found { bomb.says() } else { "nothing" },
            ran.wall.as_secs_f64() * 1000.0,
            ran.cpu.as_secs_f64() * 1000.0,
            kib(growth),
            if kept { "" } else { " **over**" },
        );
        fs::remove_dir_all(root).unwrap();
    }
    good
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn kib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn once(root: &Path, scratch: &Path) -> Ran {
    let cache = scratch.join("bomb-cache");
    let ran = process::run(process::validate(root, &cache));
    let _gone = fs::remove_dir_all(cache);
    ran
}

fn weigh(root: &Path, scratch: &Path) -> Peak {
    let cache = scratch.join("bomb-cache");
    let peak = process::weigh(process::validate(root, &cache));
    let _gone = fs::remove_dir_all(cache);
    peak
}

/// Whether the answer names the limit, and the place that it names with it.
fn refusal(ran: &Ran, code: &str) -> (bool, String) {
    if code.is_empty() {
        let said = ran.stderr.lines().next().unwrap_or_default();
        return (said.contains("20000 files"), "the directory".into());
    }
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let list = answer["diagnostics"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let Some(found) = list.iter().find(|d| d["code"] == code) else {
        return (false, "nowhere".into());
    };
    let (path, start) = (
        &found["location"]["path"],
        &found["location"]["range"]["start"],
    );
    let path = path.as_str().unwrap_or("?");
    let place = match start["line"].as_u64() {
        Some(line) => format!("{path}:{line}:{}", start["column"]),
        None => path.to_owned(),
    };
    (true, place)
}

fn place(scratch: &Path, bomb: &Bomb) -> std::path::PathBuf {
    let root = scratch.join("bomb");
    let files = root.join("tenants/red");
    fs::create_dir_all(files.join("many")).unwrap();
    fs::write(root.join("kubemate.kdl"), PROJECT).unwrap();
    fs::write(
        root.join("tenant.kdl"),
        "tenant red { owner \"red@example.org\" }\n",
    )
    .unwrap();
    fs::write(files.join("bomb.kdl"), &bomb.text).unwrap();
    for file in 0..bomb.files {
        fs::write(files.join(format!("many/{file:05}.kdl")), "// nothing\n").unwrap();
    }
    root
}

const PROJECT: &str = r#"project bombs schema=1 {
  cluster one uid="10000000-0000-4000-8000-000000000000" kubernetes="1.33"
  environment prod { cluster one }
  ownership { path "tenants/red/**" tenant=red }
}
"#;

fn bombs() -> Vec<Bomb> {
    let bomb = |name: &str, code, text| Bomb {
        name: name.to_owned(),
        code,
        text,
        files: 0,
    };
    let dashes = |n: usize| format!("{}{}", "a /-{".repeat(n), "}".repeat(n));
    let mut all: Vec<Bomb> = [16, 100, 1_000, 10_000]
        .iter()
        .map(|n| bomb(&format!("`/-` nested {n} deep"), "KM0004", dashes(*n)))
        .collect();
    let blocks = |n: usize| format!("{}{}", "a{".repeat(n), "}".repeat(n));
    all.push(bomb("100,000 nested blocks", "KM0002", blocks(100_000)));
    all.push(bomb(
        "100,000 open blocks",
        "KM0002",
        "a {\n".repeat(100_000),
    ));
    all.push(bomb(
        "a file of 50 MB",
        "KM0420",
        "a 1\n".repeat(50_000_000 / 4),
    ));
    all.push(bomb(
        "a string of 1 MB",
        "KM0005",
        format!("a \"{}\"\n", "x".repeat(1_000_000)),
    ));
    all.push(bomb("500,000 nodes", "KM0003", "a\n".repeat(500_000)));
    all.push(bomb("profiles in a circle of 3", "KM0311", circle(3)));
    all.push(bomb(
        "profiles in a circle of 1,000",
        "KM0312",
        circle(1_000),
    ));
    all.push(bomb(
        "profiles that use two others, 20 levels",
        "KM0312",
        tree(20),
    ));
    all.push(bomb("lets that double, 40 levels", "KM0307", doubling(40)));
    all.push(bomb(
        "profiles that use 100 others, 4 levels",
        "KM0312",
        wide_uses(100),
    ));
    all.push(bomb(
        "lets of 1,000 others, 7 levels",
        "KM0307",
        wide_lets(1_000, 7),
    ));
    all.push(Bomb {
        files: 20_001,
        ..bomb("20,001 files", "", String::new())
    });
    all
}

/// Profiles of which each uses the next and the last the first.
fn circle(n: usize) -> String {
    (0..n)
        .map(|i| format!("profile p{i:05} {{ use p{:05} }}\n", (i + 1) % n))
        .collect()
}

/// Profiles of which each uses both of the next level: two to the power of the levels, if followed.
fn tree(levels: usize) -> String {
    let profiles: String = (0..levels)
        .flat_map(|level| ["a", "b"].map(|side| (level, side)))
        .map(|(level, side)| {
            let next = level + 1;
            format!("profile {side}{level} {{ use a{next}; use b{next} }}\n")
        })
        .collect();
    let last = format!("profile a{levels} {{ replicas 1 }}\nprofile b{levels} {{ replicas 1 }}\n");
    format!("{profiles}{last}app shop tenant=red {{ use a0; image \"a/b\"; version \"1\" }}\n")
}

/// Each name holds the one before it twice.
fn doubling(levels: usize) -> String {
    let lets: String = (1..levels)
        .map(|n| format!("let v{n}=\"${{v{0}}}${{v{0}}}\"\n", n - 1))
        .collect();
    format!(
        "let v0=\"xxxxxxxxxxxxxxxx\"\n{lets}app shop tenant=red {{ image \"a/${{v{}}}\"; version \"1\" }}\n",
        levels - 1
    )
}

/// Profiles of four levels, each of which uses all of the next level.
fn wide_uses(width: usize) -> String {
    let mut text = String::new();
    for level in 0..4 {
        let uses: String = (0..width)
            .map(|n| format!("use p{}-{n}; ", level + 1))
            .collect();
        let uses = if level == 3 {
            "replicas 1".to_owned()
        } else {
            uses
        };
        (0..width).for_each(|n| text.push_str(&format!("profile p{level}-{n} {{ {uses} }}\n")));
    }
    let uses: String = (0..width).map(|n| format!("use p0-{n}; ")).collect();
    format!("{text}app shop tenant=red {{ {uses} image \"a/b\"; version \"1\" }}\n")
}

/// Names that hold many times the one before, which holds nothing in the end.
fn wide_lets(width: usize, levels: usize) -> String {
    let lets: String = (1..=levels)
        .map(|n| {
            format!(
                "let v{n}=\"{}\"\n",
                format!("${{v{}}}", n - 1).repeat(width)
            )
        })
        .collect();
    format!(
        "let v0=\"\"\n{lets}app shop tenant=red {{ image \"a/${{v{levels}}}\"; version \"1\" }}\n"
    )
}
