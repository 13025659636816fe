//! S-90, row by row, on objects as Git keeps them; and signatures that OpenSSH and Git made.

mod golden;

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

/// A person with a key.
struct Pen {
    pair: Ed25519KeyPair,
    /// In a security key.
    token: bool,
    flags: u8,
}

impl Pen {
    fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let (token, flags) = (false, 0);
        Self { pair, token, flags }
    }

    fn kind(&self) -> &'static str {
        match self.token {
            true => "sk-ssh-ed25519@openssh.com",
            false => "ssh-ed25519",
        }
    }

    fn key(&self) -> Vec<u8> {
        let (kind, public) = (self.kind().as_bytes(), self.pair.public_key().as_ref());
        match self.token {
            true => wire(&[kind, public, b"ssh:"]),
            false => wire(&[kind, public]),
        }
    }

    /// The line that allows it.
    fn line(&self, name: &str, options: &str) -> String {
        let key = STANDARD.encode(self.key());
        format!("{name} {options} {} {key}", self.kind())
    }

    fn allowed(&self) -> Signers {
        Signers::parse([self.line("ana@bank.example", "").as_str()]).unwrap()
    }

    fn sign(&self, text: &str, namespace: &str) -> String {
        let digest = Sha512::digest(text);
        let mut told = b"SSHSIG".to_vec();
        told.extend(wire(&[namespace.as_bytes(), b"", b"sha512", &digest]));
        let mut more = Vec::new();
        if self.token {
            more = vec![self.flags, 0, 0, 0, 7];
            let mut by_token = Sha256::digest("ssh:").to_vec();
            by_token.extend_from_slice(&more);
            by_token.extend(Sha256::digest(&told));
            told = by_token;
        }
        let signature = self.pair.sign(&told);
        let mut signature = wire(&[self.kind().as_bytes(), signature.as_ref()]);
        signature.extend(more);
        let mut all = b"SSHSIG\0\0\0\x01".to_vec();
        let key = self.key();
        all.extend(wire(&[
            &key,
            namespace.as_bytes(),
            b"",
            b"sha512",
            &signature,
        ]));
        let digits = STANDARD.encode(all);
        format!("-----BEGIN SSH SIGNATURE-----\n{digits}\n-----END SSH SIGNATURE-----")
    }
}

/// A commit with so many parents.
fn plain(parents: usize) -> String {
    let parents = format!("parent {ID}\n").repeat(parents);
    let who = "Ada <ada@bank.example> 1 +0000";
    format!("tree {ID}\n{parents}author {who}\ncommitter {who}\n\nchange\n")
}

/// The same with a header before its text.
fn with(commit: &str, header: &str, value: &str) -> String {
    let (headers, text) = commit.split_once("\n\n").unwrap();
    format!(
        "{headers}\n{header} {}\n\n{text}",
        value.replace('\n', "\n ")
    )
}

fn signed_by(pen: &Pen, commit: &str) -> String {
    with(commit, "gpgsig", &pen.sign(commit, "git"))
}

/// A tag of a commit, and the same signed.
fn tags(pen: &Pen, name: &str, target: &str) -> (String, String) {
    let text = format!("object {target}\ntype commit\ntag {name}\ntagger A <a@b> 1 +0000\n\nt\n");
    let signed = format!("{text}{}\n", pen.sign(&text, "git"));
    (text, signed)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn judged(object: &str, signers: &Signers) -> Result<Signer, Refusal> {
    commit(object.as_bytes(), signers, None)
}

fn tagged(object: &str, name: &str, signers: &Signers) -> Result<Signer, Refusal> {
    let id = CommitId::new(ID).unwrap();
    tag(object.as_bytes(), (name, &id), signers, None)
}

#[test]
fn s_90_a_commit_that_a_named_person_signed_is_taken() {
    let pen = Pen::new(1);
    for parents in [0, 1, 2] {
        let signer = judged(&signed_by(&pen, &plain(parents)), &pen.allowed()).unwrap();
        assert_eq!(signer.name, "ana@bank.example");
        assert!(signer.fingerprint.starts_with("SHA256:"));
    }
}

#[test]
fn s_90_unsigned_commits_and_merges_are_refused() {
    let signers = Pen::new(1).allowed();
    for parents in [0, 1, 2] {
        assert_eq!(judged(&plain(parents), &signers), Err(Refusal::Unsigned));
    }
    // A signature of a tag that was merged is not one of the merge.
    let pen = Pen::new(1);
    let merge = with(&plain(2), "mergetag", &tags(&pen, "v1", ID).1);
    assert_eq!(judged(&merge, &signers), Err(Refusal::Unsigned));
    assert!(judged(&signed_by(&pen, &merge), &signers).is_ok());
}

#[test]
fn s_90_an_unknown_key_is_refused_and_named() {
    let (ana, eve) = (Pen::new(1), Pen::new(2));
    let refusal = judged(&signed_by(&eve, &plain(1)), &ana.allowed()).unwrap_err();
    let Refusal::Unknown { fingerprint } = &refusal else {
        panic!("{refusal}")
    };
    let known = judged(&signed_by(&eve, &plain(1)), &eve.allowed()).unwrap();
    assert_eq!(*fingerprint, known.fingerprint);
    assert!(refusal.to_string().contains(&known.fingerprint));
    // Her signature under the name of somebody else's key.
    let (hers, his) = (STANDARD.encode(eve.key()), STANDARD.encode(ana.key()));
    assert_eq!(hers.len(), his.len());
    let armour = eve.sign(&plain(1), "git");
    let body: String = armour.lines().nth(1).unwrap().to_owned();
    let mut bytes = STANDARD.decode(&body).unwrap();
    let place = bytes.windows(eve.key().len()).position(|w| w == eve.key());
    let place = place.unwrap();
    bytes[place..place + ana.key().len()].copy_from_slice(&ana.key());
    let forged = armour.replace(&body, &STANDARD.encode(bytes));
    let forged = with(&plain(1), "gpgsig", &forged);
    assert_eq!(judged(&forged, &ana.allowed()), Err(Refusal::Altered));
}

#[test]
fn s_90_an_expired_key_is_refused() {
    let pen = Pen::new(1);
    let object = signed_by(&pen, &plain(1));
    let options = r#"valid-after="20260101",valid-before="202612312359Z""#;
    let signers = Signers::parse([pen.line("ana", options).as_str()]).unwrap();
    let judged = |text| commit(object.as_bytes(), &signers, Some(at(text)));
    assert!(judged("2026-06-01T00:00:00Z").is_ok());
    let late = judged("2026-12-31T23:59:00Z").unwrap_err();
    assert!(matches!(late, Refusal::Expired { .. }), "{late}");
    assert!(late.to_string().contains("2026-12-31T23:59:00Z"), "{late}");
    let early = judged("2025-12-31T23:59:59Z").unwrap_err();
    assert!(matches!(early, Refusal::NotYet { .. }), "{early}");
    let taken = commit(object.as_bytes(), &signers, None);
    assert!(taken.is_ok(), "what was taken before stays so");
    // A second line of the same key counts by itself.
    let lines = [pen.line("ana", options), pen.line("ana", "")];
    let signers = Signers::parse(lines.iter().map(String::as_str)).unwrap();
    let late = Some(at("2030-01-01T00:00:00Z"));
    assert!(commit(object.as_bytes(), &signers, late).is_ok());
}

#[test]
fn s_90_an_empty_signature_is_refused() {
    let signers = Pen::new(1).allowed();
    let bare = "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----";
    for empty in ["", " ", bare] {
        let object = with(&plain(1), "gpgsig", empty);
        assert_eq!(judged(&object, &signers), Err(Refusal::Empty), "{empty:?}");
    }
    let object = plain(1).replace("\n\n", "\ngpgsig\n\n");
    assert_eq!(judged(&object, &signers), Err(Refusal::Empty));
    let (text, _) = tags(&Pen::new(1), "v1", ID);
    let empty = tagged(&format!("{text}{bare}\n"), "v1", &signers);
    assert_eq!(empty, Err(Refusal::Empty));
}

#[test]
fn s_90_two_signatures_are_refused() {
    let pen = Pen::new(1);
    let signers = pen.allowed();
    let good = signed_by(&pen, &plain(1));
    let armour = pen.sign(&plain(1), "git");
    for header in ["gpgsig", "gpgsig-sha256"] {
        let object = with(&good, header, &armour);
        assert_eq!(judged(&object, &signers), Err(Refusal::Several), "{header}");
    }
    let only = with(&plain(1), "gpgsig-sha256", &armour);
    assert_eq!(judged(&only, &signers), Err(Refusal::Several));
    let (_, tag) = tags(&pen, "v1", ID);
    let twice = format!("{tag}{}\n", pen.sign(&tag, "git"));
    assert_eq!(tagged(&twice, "v1", &signers), Err(Refusal::Several));
    let header = with(&tag, "gpgsig-sha256", &armour);
    assert_eq!(tagged(&header, "v1", &signers), Err(Refusal::Several));
}

#[test]
fn s_90_no_byte_can_be_changed() {
    let pen = Pen::new(1);
    let signers = pen.allowed();
    let good = signed_by(&pen, &plain(2)).into_bytes();
    assert!(commit(&good, &signers, None).is_ok());
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        let judged = commit(&bad, &signers, None);
        assert!(judged.is_err(), "byte {place}");
        assert!(commit(&good[..place], &signers, None).is_err());
    }
    let moved = signed_by(&pen, &plain(1)).replace("change", "chance");
    assert_eq!(judged(&moved, &signers), Err(Refusal::Altered));
    // A second tree, and headers that end at a zero byte for some.
    for more in ["tree 0123456789abcdef0123456789abcdef01234567", "a \0"] {
        let text = plain(1).replace("\nauthor", &format!("\n{more}\nauthor"));
        let refusal = judged(&signed_by(&pen, &text), &signers).unwrap_err();
        assert!(matches!(refusal, Refusal::Unreadable(_)), "{refusal}");
    }
}

#[test]
fn s_90_of_a_signed_tag_and_an_unsigned_commit_the_policy_says_which_counts() {
    let pen = Pen::new(1);
    let signers = pen.allowed();
    let (unsigned, signed) = tags(&pen, "v1", ID);
    assert!(tagged(&signed, "v1", &signers).is_ok());
    assert_eq!(judged(&plain(1), &signers), Err(Refusal::Unsigned));
    assert_eq!(tagged(&unsigned, "v1", &signers), Err(Refusal::Unsigned));
    // A tag under another name, of another commit, and of something else.
    let other = tagged(&signed, "v2", &signers);
    assert_eq!(other, Err(Refusal::OtherName("v1".to_owned())));
    let (_, other) = tags(&pen, "v1", &"7".repeat(40));
    assert_eq!(tagged(&other, "v1", &signers), Err(Refusal::OtherCommit));
    let (text, _) = tags(&pen, "v1", ID);
    let text = text.replace("type commit", "type tag");
    let nested = format!("{text}{}\n", pen.sign(&text, "git"));
    assert_eq!(tagged(&nested, "v1", &signers), Err(Refusal::OtherCommit));
}

#[test]
fn s_90_other_sorts_of_signatures_are_refused_by_name() {
    let pen = Pen::new(1);
    let signers = pen.allowed();
    for (first, expected) in [
        ("-----BEGIN PGP SIGNATURE-----", Refusal::OpenPgp),
        ("-----BEGIN PGP MESSAGE-----", Refusal::OpenPgp),
        ("-----BEGIN SIGNED MESSAGE-----", Refusal::Certificate),
    ] {
        let object = with(&plain(1), "gpgsig", &format!("{first}\n\nAAAA\n"));
        assert_eq!(judged(&object, &signers), Err(expected.clone()));
        let (text, _) = tags(&pen, "v1", ID);
        let tag = format!("{text}{first}\n\nAAAA\n");
        assert_eq!(tagged(&tag, "v1", &signers), Err(expected));
    }
    let object = with(&plain(1), "gpgsig", &pen.sign(&plain(1), "file"));
    let elsewhere = Err(Refusal::Elsewhere("file".to_owned()));
    assert_eq!(judged(&object, &signers), elsewhere);
    for odd in ["nonsense", "-----BEGIN SSH SIGNATURE-----\nAAAA"] {
        let refusal = judged(&with(&plain(1), "gpgsig", odd), &signers).unwrap_err();
        assert!(matches!(refusal, Refusal::Unreadable(_)), "{refusal}");
    }
}

#[test]
fn s_90_a_security_key_has_to_be_touched() {
    for (flags, good) in [(1, true), (5, true), (0, false), (4, false)] {
        let pen = Pen {
            token: true,
            flags,
            ..Pen::new(3)
        };
        let judged = judged(&signed_by(&pen, &plain(1)), &pen.allowed());
        assert_eq!(judged.is_ok(), good, "{flags}: {judged:?}");
    }
}

#[test]
fn s_90_what_openssh_and_git_signed_is_understood() {
    use golden::{
        BY_ECDSA, BY_ECDSA384, BY_ECDSA521, BY_ED25519, BY_ED25519_SHA256, BY_RSA, COMMIT,
        COMMIT_ID, FOR_FILES, KEY_ECDSA, KEY_ECDSA384, KEY_ED25519, KEY_RSA, TAG, TEXT,
    };
    for (key, signatures) in [
        (KEY_ED25519, vec![BY_ED25519, BY_ED25519_SHA256]),
        (KEY_ECDSA, vec![BY_ECDSA]),
        (KEY_ECDSA384, vec![BY_ECDSA384]),
        (KEY_RSA, vec![BY_RSA]),
    ] {
        let signers = Signers::parse([format!("ana {key} a comment").as_str()]).unwrap();
        for armour in signatures {
            let object = with(TEXT, "gpgsig", armour.trim_end());
            assert!(judged(&object, &signers).is_ok(), "{key}");
            let other = object.replace("change", "chance");
            assert_eq!(judged(&other, &signers), Err(Refusal::Altered), "{key}");
        }
    }
    let signers = Signers::parse([format!("ana {KEY_ED25519}").as_str()]).unwrap();
    let object = with(TEXT, "gpgsig", FOR_FILES.trim_end());
    let elsewhere = Err(Refusal::Elsewhere("file".to_owned()));
    assert_eq!(judged(&object, &signers), elsewhere);
    let object = with(TEXT, "gpgsig", BY_ECDSA521.trim_end());
    assert!(judged(&object, &signers).is_err());
    assert!(judged(COMMIT, &signers).is_ok());
    let id = CommitId::new(COMMIT_ID).unwrap();
    assert!(tag(TAG.as_bytes(), ("v1", &id), &signers, None).is_ok());
}

#[test]
fn lines_that_are_not_understood_are_errors() {
    let pen = Pen::new(1);
    let key = pen.line("", "").trim().to_owned();
    for (line, words) in [
        ("ana".to_owned(), "write `NAME KIND KEY`"),
        ("ana ssh-ed25519 AAAA".to_owned(), "not understood"),
        ("ana ssh-ed25519 %%%".to_owned(), "not understood"),
        (format!("ana {}", golden::KEY_ECDSA521), "nistp384"),
        (
            format!("ana {}", key.replace("ssh-", "sk-")),
            "not understood",
        ),
        (format!("ana cert-authority {key}"), "certificates"),
        (format!("ana verify-required {key}"), "`verify-required`"),
        (format!("ana valid-before=\"2026\" {key}"), "valid-before"),
        (format!("ana namespaces=\"*,!git\" {key}"), "with `!`"),
        (
            format!("ana valid-before=\"20260101\",valid-before=\"20300101\" {key}"),
            "twice",
        ),
        (format!("ana valid-after=\"20261301\" {key}"), "valid-after"),
    ] {
        let text = format!("# people\n\n{line}");
        let error = Signers::parse([text.as_str()]).unwrap_err().to_string();
        assert!(error.starts_with("line 3: "), "{error}");
        assert!(error.contains(words), "{line}: {error}");
    }
    let for_files = format!("ana namespaces=\"file,mail\" {key}");
    for nobody in [vec![], vec!["", "# nobody"], vec![for_files.as_str()]] {
        let read = Signers::parse(nobody.iter().copied());
        assert_eq!(read, Err(SignersError::Nobody), "{nobody:?}");
    }
    let many = format!("ana {key}\n").repeat(257);
    let read = Signers::parse([many.as_str()]);
    assert_eq!(read, Err(SignersError::TooMany));
    let quoted = format!("ana,ben namespaces=\"file, git\",valid-after=\"20260101\" {key} ana's");
    assert!(Signers::parse([quoted.as_str()]).is_ok());
}
