//! Schedules, zones, moments and windows: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::{cron, time, window};

#[test]
fn cron() {
good::<cron::CronExpr>(&[("30 2 * * 1-5", "30 2 * * 1-5"), ("0  0 1 1 *", "0 0 1 1 *"), ("*/15 9-17 * * MON-FRI", "*/15 9-17 * * MON-FRI"), ("0 0 31 * *", "0 0 31 * *"), ("0 0 29 2 *", "0 0 29 2 *"), ("0 12 ? * sun", "0 12 ? * sun"), ("0 0 31 2 1", "0 0 31 2 1"), ("1,2,3-9/2 * * * *", "1,2,3-9/2 * * * *")]);
let lines = bad::<cron::CronExpr>(&["", "* * * *", "0 30 2 * * 1-5", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "@daily", "@reboot", "0 0 31 2 *", "0 0 L * *", "0 0 * * 5#2", "0/15 * * * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1, * * * *", "* * * * FUNDAY"]);
println!("@@BEGIN cron\n{lines}@@END");
round_trip::<cron::CronExpr>("([0-9]{1,2}|\\*|\\*/[1-9]) ([0-9]|\\*) ([1-9]|\\*) ([1-9]|\\*) ([0-6]|\\*|1-5)");
}

#[test]
fn time_zone() {
good::<time::TimeZone>(&[("Asia/Shanghai", "Asia/Shanghai"), ("UTC", "UTC"), ("Europe/Berlin", "Europe/Berlin"), ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires")]);
let lines = bad::<time::TimeZone>(&["", "asia/shanghai", "Asia/Shangai", "Shanghai", "Europe/Berln", "CST8", "New York", "Mars/Base"]);
println!("@@BEGIN time_zone\n{lines}@@END");
round_trip::<time::TimeZone>("Asia/Shanghai|Europe/Berlin|UTC|America/New_York");
}

#[test]
fn date() {
good::<time::Date>(&[("2026-12-28", "2026-12-28"), ("2024-02-29", "2024-02-29")]);
let lines = bad::<time::Date>(&["", "2026-02-29", "2026-13-01", "28.12.2026", "2026-1-2", "2026/01/02", "2026-12-28T00:00"]);
println!("@@BEGIN date\n{lines}@@END");
round_trip::<time::Date>("20[0-9]{2}-[01][0-9]-[0-3][0-9]");
}

#[test]
fn date_time() {
good::<time::DateTime>(&[("2026-12-28T00:00", "2026-12-28T00:00"), ("2026-12-01T18:00+08:00", "2026-12-01T18:00+08:00"), ("2026-12-01T18:00:05Z", "2026-12-01T18:00:05Z"), ("2026-12-01T18:00:00+00:00", "2026-12-01T18:00Z"), ("2026-12-01T18:00-03:30", "2026-12-01T18:00-03:30")]);
let lines = bad::<time::DateTime>(&["", "2026-12-28", "2026-12-28 09:00", "2026-12-28T9:00", "2026-12-28T24:00", "2026-12-28T00:00+8", "2026-02-30T00:00", "2026-12-28T00:00 +08:00", "tomorrow"]);
println!("@@BEGIN date_time\n{lines}@@END");
round_trip::<time::DateTime>("20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?");
}

#[test]
fn weekdays() {
good::<window::Weekdays>(&[("Mon-Fri", "Mon-Fri"), ("Tue,Thu", "Tue,Thu"), ("Mon,Tue,Wed", "Mon-Wed"), ("Sat-Mon", "Sat-Mon"), ("Mon-Sun", "Mon-Sun"), ("Fri,Sat,Sun,Mon", "Fri-Mon"), ("Sat,Sun", "Sat,Sun")]);
let lines = bad::<window::Weekdays>(&["", "monday - friday", "weekends", "Mo-Fr", "Mon,", "Mon–Fri"]);
println!("@@BEGIN weekdays\n{lines}@@END");
round_trip::<window::Weekdays>("(Mon|Tue|Wed|Thu|Fri|Sat|Sun)([,-](Mon|Tue|Wed|Thu|Fri|Sat|Sun)){0,4}");
}

#[test]
fn calendar_window() {
good::<window::CalendarWindow>(&[("Mon-Fri 09:00-17:00", "Mon-Fri 09:00-17:00"), ("Tue,Thu 20:00-23:00", "Tue,Thu 20:00-23:00"), ("22:00-07:00", "22:00-07:00"), ("00:00-24:00", "00:00-24:00"), ("Mon-Sun 01:00-02:00", "01:00-02:00"), ("22:00-00:00", "22:00-24:00")]);
let lines = bad::<window::CalendarWindow>(&["", "Mon-Fri", "9-17", "Mon-Fri 9:00-17:00", "09:00-09:00", "25:00-26:00", "24:00-01:00", "monday - friday 09:00 - 17:00", "Mon-Fri, 09:00-17:00", "Mo-Fr 09:00-17:00"]);
println!("@@BEGIN calendar_window\n{lines}@@END");
round_trip::<window::CalendarWindow>("((Mon|Tue|Wed|Sat|Sun)([,-](Thu|Fri|Sun)){0,2} )?[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]");
}
