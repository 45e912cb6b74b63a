use super::*;

/// Minute, hour, day of month, month, day of week as values; then the two rules.
fn check(text: &str, expected: &str) {
    let seen = match Schedule::parse(text) {
        Ok(Schedule::Interval { after_min, every_min }) => format!("after {after_min} every {every_min}"),
        Ok(Schedule::Crontab(crontab)) => {
            let fields = [
                (CronField::Minute, crontab.minutes()),
                (CronField::Hour, crontab.hours()),
                (CronField::DayOfMonth, crontab.days_of_month()),
                (CronField::Month, crontab.months()),
                (CronField::DayOfWeek, crontab.days_of_week()),
            ];
            let mut words: Vec<String> =
                fields.into_iter().map(|(field, values)| show(field, values)).collect();
            words.extend(crontab.either_day().then(|| "either".to_owned()));
            words.extend(crontab.follows_elapsed_time().then(|| "elapsed".to_owned()));
            words.join(" ")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(seen, expected, "{text:?}");
}

fn show(field: CronField, values: CronValues) -> String {
    let values: Vec<u8> = values.iter().collect();
    let whole = usize::from(field.step_max());
    if values.len() == whole {
        return "all".to_owned();
    }
    values.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn two_numbers_are_an_interval() {
    check("0 60", "after 0 every 60");
    check("  5\t1 ", "after 5 every 1");
    check("525600 525600", "after 525600 every 525600");
    check("0 0", "interval \"0\" is not a whole number of minutes within 1-525600");
    check("-1 5", "start after \"-1\" is not a whole number of minutes within 0-525600");
    check("+1 5", "start after \"+1\" is not a whole number of minutes within 0-525600");
    check("1 1.5", "interval \"1.5\" is not a whole number of minutes within 1-525600");
    check(
        "0 99999999999999999999",
        "interval \"99999999999999999999\" is not a whole number of minutes within 1-525600",
    );
}

#[test]
fn five_fields_are_a_crontab() {
    check("* * * * *", "all all all all all elapsed");
    check("0 0 1 1 0", "0 0 1 1 0 either");
    check("0,30 8-10 * jan,Mar-MAY Mon-Fri", "0,30 8,9,10 all 1,3,4,5 1,2,3,4,5");
    check("*/20 */12 */15 */6 */3", "0,20,40 0,12 1,16,31 1,7 0,3,6 elapsed");
    check("1-9/3 0 * * *", "1,4,7 0 all all all");
    check("5/10 0 * * *", "5,15,25,35,45,55 0 all all all");
    check("*/60 0 * * *", "0 0 all all all elapsed");
    check("07 007 * * *", "7 7 all all all");
}

#[test]
fn sunday_has_two_numbers() {
    check("0 0 * * 7", "0 0 all all 0");
    check("0 0 * * 5-7", "0 0 all all 0,5,6");
    check("0 0 * * 0-7", "0 0 all all all");
    check("0 0 * * fri-sun", "0 0 all all 0,5,6");
    check("0 0 * * SUN-TUE", "0 0 all all 0,1,2");
    check("0 0 * * 1/3", "0 0 all all 0,1,4");
    check(
        "0 0 * * 6-0",
        "day of week range 6-0 runs backwards (from low to high); write two parts with a comma instead",
    );
}

#[test]
fn day_fields_are_alternatives_only_when_neither_starts_with_a_star() {
    check("0 0 13 * 5", "0 0 13 all 5 either");
    check("0 0 13 * */2", "0 0 13 all 0,2,4,6");
    check("0 0 */2 * 5", "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 all 5");
    check("0 0 1,* * 5", "0 0 all all 5 either");
}

#[test]
fn macros_are_short_for_lines() {
    check("@yearly", "0 0 1 1 all");
    check("@annually", "0 0 1 1 all");
    check("@monthly", "0 0 1 all all");
    check("@weekly", "0 0 all all 0");
    check("@daily", "0 0 all all all");
    check(" @midnight ", "0 0 all all all");
    check("@hourly", "0 all all all all elapsed");
    check(
        "@reboot",
        "schedule @reboot has no meaning here (no machine to start); write \"0 60\" to begin at once and then every hour",
    );
    check(
        "@often",
        "schedule macro \"@often\" is unknown (@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly)",
    );
}

#[test]
fn values_outside_their_field_are_named() {
    check("61 * * * *", "minute 61 is outside 0-59");
    check("* 24 * * *", "hour 24 is outside 0-23");
    check("* * 0 * *", "day of month 0 is outside 1-31");
    check("* * * 13 *", "month 13 is outside 1-12");
    check("* * * * 8", "day of week 8 is outside 0-7");
    check("0-99999999999 * * * *", "minute 99999999999 is outside 0-59");
    check("*/0 * * * *", "minute step \"0\" is not a whole number within 1-60");
    check("*/90 * * * *", "minute step \"90\" is not a whole number within 1-60");
    check("*/+5 * * * *", "minute step \"+5\" is not a whole number within 1-60");
    check("*/ * * * *", "minute step \"\" is not a whole number within 1-60");
    check(
        "5-1 * * * *",
        "minute range 5-1 runs backwards (from low to high); write two parts with a comma instead",
    );
}

#[test]
fn what_is_no_value_is_named() {
    let minute = "(write 0-59, a list, a range or a step, such as 0,30 or */5)";
    check("a * * * *", &format!("minute \"a\" is not understood {minute}"));
    check("+1 * * * *", &format!("minute \"+1\" is not understood {minute}"));
    check(", * * * *", &format!("minute \"\" is not understood {minute}"));
    check("1-2-3 * * * *", &format!("minute \"2-3\" is not understood {minute}"));
    check("*-5 * * * *", &format!("minute \"*\" is not understood {minute}"));
    check("MON * * * *", &format!("minute \"MON\" is not understood {minute}"));
    check(
        "* * L * *",
        "day of month \"L\" is not understood (write 1-31, a list, a range or a step, such as 1,15)",
    );
}

#[test]
fn other_forms_are_refused_with_the_known_ones() {
    let forms = "(2 for an interval such as \"0 60\": start after M minutes, then every N; 5 for a crontab such as \
                 \"*/5 * * * *\": minute, hour, day of month, month, day of week)";
    for (text, fields) in [("", 0), ("60", 1), ("* * * *", 4), ("0 * * * * *", 6)] {
        check(text, &format!("schedule has {fields} fields {forms}"));
    }
    check(
        "CRON_TZ=Europe/Berlin 0 0 * * *",
        "schedule starts with \"CRON_TZ=Europe/Berlin\" (the line holds no time zone); set schedule.timeZone instead",
    );
    check(
        &"1,".repeat(300),
        "schedule has 600 bytes (at most 512); write ranges and steps instead of long lists",
    );
}

#[test]
fn a_line_that_never_fires_is_refused() {
    let never = "can never fire (none of its months has any of its days of month)";
    check("0 0 30 2 *", &format!("schedule \"0 0 30 2 *\" {never}"));
    check("0 0 31 4,6,9,11 *", &format!("schedule \"0 0 31 4,6,9,11 *\" {never}"));
    check("0 0 30,31 feb */2", &format!("schedule \"0 0 30,31 feb */2\" {never}"));
    check("0 0 30 2 1", "0 0 30 2 1 either");
    check("0 0 29 2 *", "0 0 29 2 all");
    check("0 0 31 4,5 *", "0 0 31 4,5 all");
}

#[test]
fn a_schedule_prints_as_it_was_written() {
    for (text, shown) in [(" 0   60 ", "0 60"), ("*/5  * * *\tMON", "*/5 * * * MON"), ("@daily", "@daily")] {
        assert_eq!(Schedule::parse(text).map(|schedule| schedule.to_string()).as_deref(), Ok(shown));
    }
}
