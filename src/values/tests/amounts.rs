//! Amounts, durations, shares and ports: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::{duration, network, percent, resources};

#[test]
fn cpu() {
good::<resources::CpuQuantity>(&[("250m", "250m"), ("8", "8"), ("0.5", "500m"), ("0", "0"), ("2.50", "2500m"), ("1e3", "1e3"), ("1000m", "1")]);
let lines = bad::<resources::CpuQuantity>(&["", "-1", "250 m", "512Mi", "0.0001", "two", "1 core", "250mcpu"]);
println!("@@BEGIN cpu\n{lines}@@END");
round_trip::<resources::CpuQuantity>("[0-9]{1,4}(\\.[0-9]{1,3})?m?");
}

#[test]
fn memory() {
good::<resources::MemoryQuantity>(&[("512Mi", "512Mi"), ("1024Mi", "1Gi"), ("0.5Gi", "512Mi"), ("0", "0"), ("500k", "500k"), ("2Ti", "2Ti"), ("1e9", "1e9")]);
let lines = bad::<resources::MemoryQuantity>(&["512MB", "512 Mi", "512m", "100m", "700m", "1500m", "512", "-1Gi", "512mi", "2 GB", "1,5Gi", "lots", "0.3", "64K"]);
println!("@@BEGIN memory\n{lines}@@END");
round_trip::<resources::MemoryQuantity>("[0-9]{1,6}(\\.[0-9])?(Ki|Mi|Gi|Ti|k|M|G)");
}

#[test]
fn duration() {
good::<duration::Duration>(&[("1h30m", "1h30m"), ("90m", "1h30m"), ("72h", "3d"), ("7d", "7d"), ("500ms", "500ms"), ("0s", "0s"), ("60s", "1m"), ("1d2h3m4s5ms", "1d2h3m4s5ms"), ("0h30m", "30m")]);
let lines = bad::<duration::Duration>(&["", "30", "30 s", "30sec", "1.5h", "5 minutes", "1 hour 30 min", "30m1h", "1h1h", "2w", "1y", "-5m", "s", "3651d", "99999999999999999999s", "1h 30m"]);
println!("@@BEGIN duration\n{lines}@@END");
round_trip::<duration::Duration>("([0-9]{1,2}d)?([0-9]{1,2}h)?([0-9]{1,2}m)?([0-9]{1,2}s)?([0-9]{1,3}ms)?");
}

#[test]
fn percent() {
good::<percent::Percent>(&[("70%", "70%"), ("0.5%", "0.5%"), ("0%", "0%"), ("100%", "100%"), ("1.50%", "1.5%"), ("007%", "7%")]);
let lines = bad::<percent::Percent>(&["", "70", "70 %", "0,5%", "101%", "-5%", "%", "0.0001%", "seventy", "70percent"]);
println!("@@BEGIN percent\n{lines}@@END");
round_trip::<percent::Percent>("[0-9]{1,2}(\\.[0-9]{1,3})?%");
}

#[test]
fn utilization() {
good::<percent::Utilization>(&[("70%", "70%"), ("150%", "150%"), ("80.0%", "80%")]);
let lines = bad::<percent::Utilization>(&["0%", "1001%", "70", "0.5%"]);
println!("@@BEGIN utilization\n{lines}@@END");
round_trip::<percent::Utilization>("[0-9]{1,4}%");
}

#[test]
fn port() {
good::<network::Port>(&[("1", "1"), ("8443", "8443"), ("65535", "65535")]);
let lines = bad::<network::Port>(&["0", "65536", "080", "http", "-1", "", ":8080"]);
println!("@@BEGIN port\n{lines}@@END");
round_trip::<network::Port>("[0-9]{1,5}");
}

#[test]
fn port_ref() {
good::<network::PortRef>(&[("http", "http"), ("8443", "8443")]);
let lines = bad::<network::PortRef>(&["70000", "HTTP", "", "a_b"]);
println!("@@BEGIN port_ref\n{lines}@@END");
round_trip::<network::PortRef>("[a-z0-9-]{1,8}");
}
