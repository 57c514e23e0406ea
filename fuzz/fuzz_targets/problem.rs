//! Text of any kind, as TOML or JSON, is refused with codes, or is a problem that says the same when it is written and read again.
#![no_main]

use equipoise::Problem;
use equipoise::error::{CODES, Error};
use libfuzzer_sys::fuzz_target;

fn check(error: &Error) {
    assert!(error.faults().iter().all(|fault| CODES.iter().any(|code| code.0 == fault.code)), "{error}");
    let clean = |c: char| c == '\n' || !c.is_control();
    assert!(error.to_string().chars().all(clean), "control characters in {error:?}");
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for read in [Problem::from_toml, Problem::from_json] {
        match read(text) {
            Ok(problem) => {
                assert_eq!(Problem::from_json(&problem.to_json()).expect("it was written by us"), problem);
                assert_eq!(Problem::from_toml(&problem.to_toml()).expect("it was written by us"), problem);
            }
            Err(error) => check(&error),
        }
    }
});
