//! Trails as notes, in a real Gitea.

use std::path::Path;

use kubemate::adapters::audit::{Trail, notes_ref};
use kubemate::adapters::git::remote::{RemoteOptions, RemoteRepository};
use kubemate::adapters::git::{Credential, FetchLimits, SshOptions, http};
use kubemate::adapters::reach::Reach;
use kubemate::source::address::{AllowList, RemoteAddress};

use super::{audit, entry, lines, now, whose};
use crate::bed::gitea::{Gitea, gitea};

const BOT: &str = "kubemate-bot";
const NAME: &str = "here-prod";

fn remote(bed: &Gitea, repository: &str, user: &str, mirrors: &Path) -> RemoteRepository {
    let address = RemoteAddress::parse(&format!("{}/{repository}.git", bed.url)).unwrap();
    let allowed = AllowList::parse([address.to_string().as_str()]).unwrap();
    let options = RemoteOptions {
        address,
        name: notes_ref(NAME),
        mirrors: mirrors.to_owned(),
        credential: Some(Credential::Basic {
            user: user.to_owned(),
            password: bed.token(user).into(),
        }),
        limits: FetchLimits::default(),
        ssh: SshOptions::default(),
    };
    RemoteRepository::new(
        options,
        &allowed,
        http::client(Vec::new(), Reach::Anywhere).unwrap(),
    )
    .unwrap()
}

#[test]
fn r_97_lines_stand_with_their_commits_and_two_writers_make_one_chain() {
    let bed = gitea();
    let repository = bed.repository(&[(BOT, "write"), ("ann", "read")]);
    let directory = tempfile::tempdir().unwrap();
    let clone = bed.clone_as(BOT, &repository, directory.path());
    let first = clone.git(&["rev-parse", "HEAD"]);
    let second = clone.push("main", &[("a.kdl", "// a\n")]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let trail = |user: &str, mirror: &str| {
        let remote = remote(bed, &repository, user, &directory.path().join(mirror));
        Trail::in_notes(remote, NAME).unwrap()
    };
    runtime.block_on(async {
        let (one, two) = (trail(BOT, "m1"), trail(BOT, "m2"));
        assert!(lines(&one).await.is_empty());
        let write = async |trail: &Trail, who: &str| {
            for n in 0..4 {
                let commit = if n % 2 == 0 { &first } else { &second };
                trail
                    .add(entry(commit, &format!("{who}{n}")), now())
                    .await
                    .unwrap();
            }
        };
        tokio::join!(write(&one, "a"), write(&two, "b"));
        let all = lines(&trail(BOT, "m3")).await;
        let mut found = whose(&all);
        found.sort_unstable();
        assert_eq!(found, ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]);
        // Who may not push does not write, and is told so.
        let refused = trail("ann", "m4")
            .add(entry(&first, "ann"), now())
            .await
            .unwrap_err();
        assert!(
            !refused.to_string().contains(&bed.token("ann")),
            "{refused}"
        );
        assert_eq!(lines(&trail(BOT, "m5")).await.len(), 8);
    });
    // People read them with Git alone.
    let reference = notes_ref(NAME);
    let spec = format!("{reference}:{reference}");
    let _said = clone.git(&["fetch", "-q", "origin", &spec]);
    let note = clone.git(&["notes", "--ref", &reference, "show", &first]);
    assert_eq!(
        note.lines().filter(|line| !line.is_empty()).count(),
        4,
        "{note}"
    );
    let name = format!("notes/{NAME}");
    let verified = audit(&["verify", &name], &clone.directory, &[]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(said.starts_with("8 lines, ends with b3:"), "{verified:?}");
    // A chain that was rewritten is found.
    let forged = note.replace("\"a0\"", "\"zz\"");
    let _said = clone.git(&[
        "notes", "--ref", &reference, "add", "-f", "-m", &forged, &first,
    ]);
    let broken = audit(&["verify", &name], &clone.directory, &[]);
    assert_eq!(broken.status.code(), Some(3), "{broken:?}");
}
