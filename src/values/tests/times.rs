//! Schedules, zones, moments and windows: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::Grammar;
use crate::values::{cron, time, window};
use jiff::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> time::TimeZone {
    time::TimeZone::parse(name).unwrap()
}

#[test]
fn cron() {
    good::<cron::CronExpr>(&[
        ("30 2 * * 1-5", "30 2 * * 1-5"),
        ("0  0 1 1 *", "0 0 1 1 *"),
        ("*/15 9-17 * * MON-FRI", "*/15 9-17 * * MON-FRI"),
        ("0 0 31 * *", "0 0 31 * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 12 ? * sun", "0 12 ? * sun"),
        ("0 0 31 2 1", "0 0 31 2 1"),
        ("1,2,3-9/2 * * * *", "1,2,3-9/2 * * * *"),
    ]);
    let refused = bad::<cron::CronExpr>(&[
        "",
        "* * * *",
        "0 30 2 * * 1-5",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "@daily",
        "@reboot",
        "0 0 31 2 *",
        "0 0 L * *",
        "0 0 * * 5#2",
        "0/15 * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "1, * * * *",
        "* * * * FUNDAY",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a schedule: it has 0 fields, not 5; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* * * *` is not a schedule: it has 4 fields, not 5; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `0 30 2 * * 1-5` is not a schedule: it has 6 fields, not 5; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5" => 30 2 * * 1-5
    `60 * * * *` is not a schedule: in the field for the minute, 60 is outside 0 to 59; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* 24 * * *` is not a schedule: in the field for the hour, 24 is outside 0 to 23; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* * 0 * *` is not a schedule: in the field for the day of the month, 0 is outside 1 to 31; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* * * 13 *` is not a schedule: in the field for the month, 13 is outside 1 to 12; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* * * * 7` is not a schedule: in the field for the day of the week, 7 is outside 0 to 6; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5" => * * * * 0
    `@daily` is not a schedule: a name with `@` is not allowed; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5" => 0 0 * * *
    `@reboot` is not a schedule: a name with `@` is not allowed; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `0 0 31 2 *` is not a schedule: it never runs, no such month has such a day; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `0 0 L * *` is not a schedule: in the field for the day of the month, something is neither a number nor a name; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `0 0 * * 5#2` is not a schedule: in the field for the day of the week, something is neither a number nor a name; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `0/15 * * * *` is not a schedule: in the field for the minute, a step needs a range or `*` in front; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5" => */15 * * * *
    `*/0 * * * *` is not a schedule: in the field for the minute, a step is not a number from 1 up; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `5-1 * * * *` is not a schedule: in the field for the minute, a range ends before it starts; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `a * * * *` is not a schedule: in the field for the minute, something is neither a number nor a name; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `1, * * * *` is not a schedule: in the field for the minute, a number is missing; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    `* * * * FUNDAY` is not a schedule: in the field for the day of the week, something is neither a number nor a name; write minute, hour, day of the month, month and day of the week, 0 is Sunday, for example "30 2 * * 1-5"
    "#);
    round_trip::<cron::CronExpr>(
        "([0-9]{1,2}|\\*|\\*/[1-9]) ([0-9]|\\*) ([1-9]|\\*) ([1-9]|\\*) ([0-6]|\\*|1-5)",
    );
}

#[test]
fn time_zone() {
    good::<time::TimeZone>(&[
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("UTC", "UTC"),
        ("Europe/Berlin", "Europe/Berlin"),
        (
            "America/Argentina/Buenos_Aires",
            "America/Argentina/Buenos_Aires",
        ),
    ]);
    let refused = bad::<time::TimeZone>(&[
        "",
        "asia/shanghai",
        "Asia/Shangai",
        "Shanghai",
        "Europe/Berln",
        "CST8",
        "New York",
        "Mars/Base",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai"
    `asia/shanghai` is not a time zone: capitals are used otherwise in its name; write the name of a region and a city, for example "Asia/Shanghai" => Asia/Shanghai
    `Asia/Shangai` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai" => Asia/Shanghai
    `Shanghai` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai" => Asia/Shanghai
    `Europe/Berln` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai" => Europe/Berlin
    `CST8` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai"
    `New York` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai" => America/New_York
    `Mars/Base` is not a time zone: there is no such zone; write the name of a region and a city, for example "Asia/Shanghai"
    "#);
    round_trip::<time::TimeZone>("Asia/Shanghai|Europe/Berlin|UTC|America/New_York");
}

#[test]
fn date() {
    good::<time::Date>(&[("2026-12-28", "2026-12-28"), ("2024-02-29", "2024-02-29")]);
    let refused = bad::<time::Date>(&[
        "",
        "2026-02-29",
        "2026-13-01",
        "28.12.2026",
        "2026-1-2",
        "2026/01/02",
        "2026-12-28T00:00",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a day: the day is not written as YEAR-MONTH-DAY; write year, month and day with `-` between them, for example "2026-12-28"
    `2026-02-29` is not a day: there is no such day; write year, month and day with `-` between them, for example "2026-12-28"
    `2026-13-01` is not a day: there is no such day; write year, month and day with `-` between them, for example "2026-12-28"
    `28.12.2026` is not a day: the day is not written as YEAR-MONTH-DAY; write year, month and day with `-` between them, for example "2026-12-28"
    `2026-1-2` is not a day: the day is not written as YEAR-MONTH-DAY; write year, month and day with `-` between them, for example "2026-12-28" => 2026-01-02
    `2026/01/02` is not a day: the day is not written as YEAR-MONTH-DAY; write year, month and day with `-` between them, for example "2026-12-28" => 2026-01-02
    `2026-12-28T00:00` is not a day: the day is not written as YEAR-MONTH-DAY; write year, month and day with `-` between them, for example "2026-12-28" => 2026-12-28
    "#);
    round_trip::<time::Date>("20[0-9]{2}-[01][0-9]-[0-3][0-9]");
}

#[test]
fn date_time() {
    good::<time::DateTime>(&[
        ("2026-12-28T00:00", "2026-12-28T00:00"),
        ("2026-12-01T18:00+08:00", "2026-12-01T18:00+08:00"),
        ("2026-12-01T18:00:05Z", "2026-12-01T18:00:05Z"),
        ("2026-12-01T18:00:00+00:00", "2026-12-01T18:00Z"),
        ("2026-12-01T18:00-03:30", "2026-12-01T18:00-03:30"),
    ]);
    let refused = bad::<time::DateTime>(&[
        "",
        "2026-12-28",
        "2026-12-28 09:00",
        "2026-12-28T9:00",
        "2026-12-28T24:00",
        "2026-12-28T00:00+8",
        "2026-02-30T00:00",
        "2026-12-28T00:00 +08:00",
        "tomorrow",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a moment: the time of day is missing; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00"
    `2026-12-28` is not a moment: the time of day is missing; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00" => 2026-12-28T00:00
    `2026-12-28 09:00` is not a moment: the `T` before the time is missing; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00" => 2026-12-28T09:00
    `2026-12-28T9:00` is not a moment: the time is not written as HOUR:MINUTE; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00" => 2026-12-28T09:00
    `2026-12-28T24:00` is not a moment: there is no such time of day; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00"
    `2026-12-28T00:00+8` is not a moment: the offset is not written as +HOUR:MINUTE; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00"
    `2026-02-30T00:00` is not a moment: there is no such day; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00"
    `2026-12-28T00:00 +08:00` is not a moment: the time is not written as HOUR:MINUTE; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00" => 2026-12-28T00:00+08:00
    `tomorrow` is not a moment: the time of day is missing; write the day, `T` and the time, then an offset such as +08:00 if needed, for example "2026-12-28T00:00"
    "#);
    round_trip::<time::DateTime>(
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?",
    );
}

#[test]
fn weekdays() {
    good::<window::Weekdays>(&[
        ("Mon-Fri", "Mon-Fri"),
        ("Tue,Thu", "Tue,Thu"),
        ("Mon,Tue,Wed", "Mon-Wed"),
        ("Sat-Mon", "Sat-Mon"),
        ("Mon-Sun", "Mon-Sun"),
        ("Fri,Sat,Sun,Mon", "Fri-Mon"),
        ("Sat,Sun", "Sat,Sun"),
    ]);
    let refused = bad::<window::Weekdays>(&[
        "",
        "monday - friday",
        "weekends",
        "Mo-Fr",
        "Mon,",
        "Mon–Fri",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a set of weekdays: a day is missing; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri"
    `monday - friday` is not a set of weekdays: `monday` is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri" => Mon-Fri
    `weekends` is not a set of weekdays: `weekends` is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri" => Sat,Sun
    `Mo-Fr` is not a set of weekdays: `Mo` is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri" => Mon-Fri
    `Mon,` is not a set of weekdays: a day is missing; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri"
    `Mon–Fri` is not a set of weekdays: `Mon–Fri` is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`, for example "Mon-Fri" => Mon-Fri
    "#);
    round_trip::<window::Weekdays>(
        "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)([,-](Mon|Tue|Wed|Thu|Fri|Sat|Sun)){0,4}",
    );
}

#[test]
fn calendar_window() {
    good::<window::CalendarWindow>(&[
        ("Mon-Fri 09:00-17:00", "Mon-Fri 09:00-17:00"),
        ("Tue,Thu 20:00-23:00", "Tue,Thu 20:00-23:00"),
        ("22:00-07:00", "22:00-07:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("Mon-Sun 01:00-02:00", "01:00-02:00"),
        ("22:00-00:00", "22:00-24:00"),
    ]);
    let refused = bad::<window::CalendarWindow>(&[
        "",
        "Mon-Fri",
        "9-17",
        "Mon-Fri 9:00-17:00",
        "09:00-09:00",
        "25:00-26:00",
        "24:00-01:00",
        "monday - friday 09:00 - 17:00",
        "Mon-Fri, 09:00-17:00",
        "Mo-Fr 09:00-17:00",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a calendar window: the times are missing; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00"
    `Mon-Fri` is not a calendar window: the times are missing; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00"
    `9-17` is not a calendar window: a time is not written as HOUR:MINUTE; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00" => 09:00-17:00
    `Mon-Fri 9:00-17:00` is not a calendar window: a time is not written as HOUR:MINUTE; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00" => Mon-Fri 09:00-17:00
    `09:00-09:00` is not a calendar window: it ends when it starts; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00"
    `25:00-26:00` is not a calendar window: there is no such time of day; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00"
    `24:00-01:00` is not a calendar window: it starts at 24:00; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00"
    `monday - friday 09:00 - 17:00` is not a calendar window: `monday` is not a day; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00" => Mon-Fri 09:00-17:00
    `Mon-Fri, 09:00-17:00` is not a calendar window: a day is missing; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00" => Mon-Fri 09:00-17:00
    `Mo-Fr 09:00-17:00` is not a calendar window: `Mo` is not a day; write the days if not all, a space, and two times with `-` between, for example "Mon-Fri 09:00-17:00" => Mon-Fri 09:00-17:00
    "#);
    round_trip::<window::CalendarWindow>(
        "((Mon|Tue|Wed|Sat|Sun)([,-](Thu|Fri|Sun)){0,2} )?[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]",
    );
}

fn runs(text: &str, name: &str, after: &str, count: usize) -> Vec<String> {
    let cron = cron::CronExpr::parse(text).unwrap();
    let runs = cron.runs_after(at(after), &zone(name), count);
    runs.iter().map(Timestamp::to_string).collect()
}

#[test]
fn a_schedule_runs_by_the_clocks_of_its_zone() {
    let shanghai = runs("30 2 * * 1-5", "Asia/Shanghai", "2026-01-02T00:00:00Z", 2);
    assert_eq!(shanghai, ["2026-01-04T18:30:00Z", "2026-01-05T18:30:00Z"]);
    let berlin = runs("0 9 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 2);
    assert_eq!(
        berlin,
        ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"],
        "summer begins"
    );
    let either = runs("0 0 13 * 5", "UTC", "2026-02-10T00:00:00Z", 3);
    let days = [
        "2026-02-13T00:00:00Z",
        "2026-02-20T00:00:00Z",
        "2026-02-27T00:00:00Z",
    ];
    assert_eq!(either, days, "a day of the month or of the week");
    assert_eq!(
        runs("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1),
        ["2028-02-29T00:00:00Z"]
    );
    assert_eq!(
        runs("* * * * *", "UTC", "2026-01-01T00:00:00Z", usize::MAX).len(),
        1000,
        "bounded"
    );
}

#[test]
fn a_moment_has_a_place_in_time() {
    let read = |text| time::DateTime::parse(text).unwrap();
    let berlin = zone("Europe/Berlin");
    let instant = |text| read(text).timestamp(&berlin).unwrap().to_string();
    assert_eq!(instant("2026-12-28T00:00"), "2026-12-27T23:00:00Z");
    assert_eq!(instant("2026-12-28T00:00+08:00"), "2026-12-27T16:00:00Z");
    assert_eq!(instant("2026-12-28T00:00Z"), "2026-12-28T00:00:00Z");
    assert_eq!(
        instant("2026-03-29T02:30"),
        "2026-03-29T01:30:00Z",
        "skipped by the clocks"
    );
    assert_eq!(
        instant("2026-10-25T02:30"),
        "2026-10-25T00:30:00Z",
        "the first of two"
    );
    assert_eq!(read("2026-12-28T00:00").offset(), None);
    assert_eq!(
        time::Date::parse("2026-12-28").unwrap().civil(),
        read("2026-12-28T00:00").civil().date()
    );
}

#[test]
fn a_window_holds_the_wall_clock() {
    let inside = |window, moment: &str| {
        window::CalendarWindow::parse(window)
            .unwrap()
            .contains(moment.parse().unwrap())
    };
    // 2026-01-05 is a Monday.
    assert!(inside("Mon-Fri 09:00-17:00", "2026-01-05T09:00:00"));
    assert!(inside("Mon-Fri 09:00-17:00", "2026-01-09T16:59:59"));
    assert!(
        !inside("Mon-Fri 09:00-17:00", "2026-01-05T17:00:00"),
        "the end is outside"
    );
    assert!(
        !inside("Mon-Fri 09:00-17:00", "2026-01-10T12:00:00"),
        "a Saturday"
    );
    assert!(
        inside("Fri 22:00-07:00", "2026-01-10T06:59:00"),
        "begun on Friday"
    );
    assert!(
        !inside("Fri 22:00-07:00", "2026-01-09T06:59:00"),
        "not begun on Thursday"
    );
    assert!(inside("00:00-24:00", "2026-01-05T23:59:59"));
    assert!(inside("Sat-Mon 00:00-24:00", "2026-01-05T00:00:00"));
    assert!(!inside("Sat-Mon 00:00-24:00", "2026-01-06T00:00:00"));
}

#[test]
fn a_window_opens_at_the_same_hour_in_summer_and_winter() {
    let window = window::CalendarWindow::parse("02:00-03:30").unwrap();
    let berlin = zone("Europe/Berlin");
    assert!(
        window.contains_at(at("2026-03-29T01:15:00Z"), &berlin),
        "03:15, just after the jump"
    );
    assert!(
        window.contains_at(at("2026-10-25T00:15:00Z"), &berlin),
        "02:15 in summer"
    );
    assert!(
        window.contains_at(at("2026-10-25T01:15:00Z"), &berlin),
        "02:15 again in winter"
    );
    assert!(!window.contains_at(at("2026-10-25T02:45:00Z"), &berlin));
    let opens = |after| window.next_open(at(after), &berlin).unwrap().to_string();
    assert_eq!(opens("2026-03-27T12:00:00Z"), "2026-03-28T01:00:00Z");
    assert_eq!(
        opens("2026-03-28T12:00:00Z"),
        "2026-03-29T01:00:00Z",
        "02:00 does not exist"
    );
    assert_eq!(opens("2026-03-29T12:00:00Z"), "2026-03-30T00:00:00Z");
}

#[test]
fn a_window_says_when_it_opens_and_closes() {
    let window = window::CalendarWindow::parse("Tue,Thu 20:00-02:00").unwrap();
    let shanghai = zone("Asia/Shanghai");
    let next = |after| {
        let open = window.next_open(at(after), &shanghai).unwrap();
        (
            open.to_string(),
            window.next_close(at(after), &shanghai).unwrap().to_string(),
        )
    };
    let (open, close) = next("2026-01-05T00:00:00Z");
    assert_eq!(
        (&*open, &*close),
        ("2026-01-06T12:00:00Z", "2026-01-06T18:00:00Z")
    );
    let (open, close) = next("2026-01-06T17:00:00Z");
    assert_eq!(
        (&*open, &*close),
        ("2026-01-08T12:00:00Z", "2026-01-06T18:00:00Z"),
        "it is open"
    );
    assert!(window.days().contains(jiff::civil::Weekday::Tuesday));
}
