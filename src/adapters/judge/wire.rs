//! What crosses between the judge and its workers: the job and its outcome as JSON, and behind them
//! nodes in packed form, of files that were read before and of files that were read now.

use crate::model::job::{Job, Outcome};
use crate::source::FileId;

/// Stands for a file whose nodes are not known.
const UNKNOWN: u32 = u32::MAX;

/// A job as bytes, without what is known of its files.
pub(super) fn request(job: &Job) -> Vec<u8> {
    framed(&serde_json::to_vec(job).unwrap_or_default())
}

/// Adds what is known of each of its files, in their order.
pub(super) fn add_known<'k>(request: &mut Vec<u8>, known: impl Iterator<Item = Option<&'k [u8]>>) {
    for nodes in known {
        let length = nodes.and_then(|nodes| u32::try_from(nodes.len()).ok());
        let length = length.filter(|length| *length != UNKNOWN);
        request.extend_from_slice(&length.unwrap_or(UNKNOWN).to_le_bytes());
        request.extend_from_slice(nodes.filter(|_| length.is_some()).unwrap_or_default());
    }
}

/// A job from bytes.
pub(super) fn read_request(bytes: &[u8]) -> Option<Job> {
    let (json, mut rest) = split(bytes)?;
    let mut job: Job = serde_json::from_slice(json).ok()?;
    for file in &mut job.files {
        if rest.is_empty() {
            break;
        }
        let length = number(&mut rest)?;
        if length != UNKNOWN {
            let (nodes, behind) = rest.split_at_checked(length as usize)?;
            file.known = Some(nodes.to_vec());
            rest = behind;
        }
    }
    Some(job)
}

/// An outcome as bytes, with the files that were read now.
pub(super) fn answer(outcome: &Outcome) -> Vec<u8> {
    let mut bytes = framed(&serde_json::to_vec(outcome).unwrap_or_default());
    for (FileId(id), nodes) in &outcome.fresh {
        let Ok(length) = u32::try_from(nodes.len()) else {
            continue;
        };
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(nodes);
    }
    bytes
}

/// An outcome as JSON, and the nodes of files that were read now.
pub(super) fn read_answer(bytes: &[u8]) -> Option<(&[u8], Vec<(FileId, &[u8])>)> {
    let (json, mut rest) = split(bytes)?;
    let mut fresh = Vec::new();
    while !rest.is_empty() {
        let id = FileId(number(&mut rest)?);
        let length = number(&mut rest)?;
        let (nodes, behind) = rest.split_at_checked(length as usize)?;
        fresh.push((id, nodes));
        rest = behind;
    }
    Some((json, fresh))
}

fn framed(json: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(json.len() + 8);
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(json);
    bytes
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    Some(u32::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::{InputFile, Want};
    use crate::object::Owner;
    use crate::source::RepoPath;

    fn job() -> Job {
        let file = |id, name| InputFile {
            id: FileId(id),
            path: RepoPath::new(name).unwrap(),
            text: "a\n".into(),
            known: None,
        };
        Job {
            owner: Owner::Platform,
            platform: Vec::new(),
            files: vec![file(3, "a.kdl"), file(4, "b.kdl")],
            unusable: Vec::new(),
            want: Want::Check,
        }
    }

    #[test]
    fn what_is_known_arrives_with_its_file() {
        let mut bytes = request(&job());
        assert_eq!(read_request(&bytes), Some(job()));
        add_known(&mut bytes, [None, Some(&b"xyz"[..])].into_iter());
        let arrived = read_request(&bytes).unwrap();
        assert_eq!(arrived.files[0].known, None);
        assert_eq!(arrived.files[1].known.as_deref(), Some(&b"xyz"[..]));
        assert!(read_request(&bytes[..bytes.len() - 1]).is_none());
    }

    #[test]
    fn what_was_read_comes_back_beside_the_outcome() {
        let outcome = Outcome {
            fresh: vec![(FileId(4), b"xyz".to_vec()), (FileId(9), Vec::new())],
            ..Outcome::default()
        };
        let bytes = answer(&outcome);
        let (json, fresh) = read_answer(&bytes).unwrap();
        let back: Outcome = serde_json::from_slice(json).unwrap();
        assert!(back.fresh.is_empty());
        assert_eq!(fresh, [(FileId(4), &b"xyz"[..]), (FileId(9), &b""[..])]);
        assert!(read_answer(&bytes[..bytes.len() - 1]).is_none());
    }
}
