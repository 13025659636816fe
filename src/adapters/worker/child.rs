//! The worker's own side: confine, read, work, answer.
//!
//! It ends with the parent: standard input closes, and the next read finds its end. It writes nothing
//! but answers to its standard output.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;
use std::thread;

use super::confine::{Report, confine};
use super::drill::Drill;
use super::frame::{self, MAGIC, MAX_REQUEST, Opening};

/// What a panic ends a process with.
pub(super) const EXIT_PANICKED: i32 = 101;
/// The parent did not speak as a parent does, or the limits could not be set.
const EXIT_REFUSED: u8 = 70;

/// Runs as a worker until the parent has all answers. `run` is called for one request after another, on
/// a thread with a large stack; each call must stand alone.
pub fn worker_main(run: impl Fn(&[u8]) -> Vec<u8> + Send + Sync) -> ExitCode {
    match serve(&run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(u8::try_from(EXIT_PANICKED).unwrap_or(EXIT_REFUSED)),
        Err(error) => {
            // Nobody is left to tell if this fails too.
            drop(writeln!(io::stderr(), "worker: {error}"));
            ExitCode::from(EXIT_REFUSED)
        }
    }
}

fn serve(run: &(impl Fn(&[u8]) -> Vec<u8> + Sync)) -> io::Result<bool> {
    let mut input = BufReader::new(io::stdin());
    let opening = Opening::read(&mut input)?;
    let report = confine(&opening)?;
    let stack = usize::try_from(opening.stack_bytes).unwrap_or(usize::MAX);
    thread::scope(|scope| {
        let work = || answer_all(&mut input, &opening, report, run);
        let thread = thread::Builder::new()
            .stack_size(stack)
            .spawn_scoped(scope, work)?;
        thread
            .join()
            .map_or(Ok(false), |ended| ended.map(|()| true))
    })
}

fn answer_all(
    input: &mut impl Read,
    opening: &Opening,
    report: Report,
    run: &impl Fn(&[u8]) -> Vec<u8>,
) -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    output.write_all(&MAGIC)?;
    output.write_all(&report.to_bytes())?;
    output.flush()?;
    for _ in 0..opening.jobs {
        let kind = frame::read_u8(input)?;
        let request = frame::read_block(input, MAX_REQUEST as u64)?
            .ok_or_else(|| io::Error::other("the request is too large"))?;
        let answer = match (kind, Drill::from_byte(kind)) {
            (0, _) => run(&request),
            (_, Some(drill)) => drill.perform(),
            (_, None) => return Err(io::Error::other("the request is of no known kind")),
        };
        frame::write_block(&mut output, &answer)?;
        output.flush()?;
    }
    Ok(())
}
