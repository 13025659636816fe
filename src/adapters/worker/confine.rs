//! The cage of a worker: what the child takes from itself before it reads a request.
//!
//! Resource limits must hold, or the child ends. Landlock takes away files, sockets and signals where
//! the kernel has it. Without it no descriptor can be opened all the same: the limit on them is the
//! number already open, so `open` and `socket` fail.

use std::io;

use rlimit::Resource;

use super::frame::Opening;

/// Address space over the memory limit: mapped code, and what an allocator reserves and never uses.
const RESERVED_BYTES: u64 = 1024 * 1024 * 1024;
/// Standard input, output and error.
const DESCRIPTORS: u64 = 3;

/// How far the kernel helps to confine a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// Landlock enforces everything it knows about files, network and signals.
    Full,
    /// An older Landlock enforces a part of it.
    Partial,
    /// The kernel has no Landlock; resource limits alone keep files and sockets shut.
    LimitsOnly,
}

/// What a worker says about itself before it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How far it is confined.
    pub confinement: Confinement,
    /// Open descriptors it inherited besides its three pipes; anything but zero is a leak.
    pub inherited: u8,
}

impl Report {
    pub(super) fn to_bytes(self) -> [u8; 2] {
        let level = match self.confinement {
            Confinement::Full => 2,
            Confinement::Partial => 1,
            Confinement::LimitsOnly => 0,
        };
        [level, self.inherited]
    }

    pub(super) fn from_bytes([level, inherited]: [u8; 2]) -> Option<Self> {
        let confinement = match level {
            2 => Confinement::Full,
            1 => Confinement::Partial,
            0 => Confinement::LimitsOnly,
            _ => return None,
        };
        Some(Self {
            confinement,
            inherited,
        })
    }
}

/// Confines this process for good. Must run before a second thread exists: Landlock binds one thread.
pub(super) fn confine(opening: &Opening) -> io::Result<Report> {
    let inherited = inherited_descriptors();
    lower(Resource::CORE, 0)?;
    lower(Resource::FSIZE, 0)?;
    let confinement = restrict_access();
    lower(Resource::NOFILE, DESCRIPTORS)?;
    // The second limit kills what survives the signal that the first one sends.
    rlimit_cpu(opening.cpu_seconds)?;
    lower(Resource::DATA, opening.memory_bytes)?;
    lower(
        Resource::AS,
        opening.memory_bytes.saturating_add(RESERVED_BYTES),
    )?;
    Ok(Report {
        confinement,
        inherited,
    })
}

fn rlimit_cpu(seconds: u64) -> io::Result<()> {
    let (_, hard) = Resource::CPU.get()?;
    let soft = seconds.max(1).min(hard);
    Resource::CPU.set(soft, soft.saturating_add(1).min(hard))
}

fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    resource.set(value, value)
}

/// Counts before anything is shut; the descriptor that reads the directory is one of them.
fn inherited_descriptors() -> u8 {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    u8::try_from(open.saturating_sub(4)).unwrap_or(u8::MAX)
}

#[cfg(target_os = "linux")]
fn restrict_access() -> Confinement {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    let newest = ABI::V6;
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(newest)))
        .and_then(|rules| rules.scope(Scope::from_all(newest)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match restricted.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Confinement::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Confinement::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confinement::LimitsOnly,
    }
}

#[cfg(not(target_os = "linux"))]
fn restrict_access() -> Confinement {
    Confinement::LimitsOnly
}
