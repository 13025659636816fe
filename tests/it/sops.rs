//! Secrets that stand encrypted in Git: what real SOPS wrote is decrypted alike and nothing else is, and no
//! clear text is anywhere but in the Secret.

mod cluster;
mod envelope;
