//! Tests of the capture of printed text, also of a run that fails.

use super::*;

#[test]
fn printing_is_captured_and_cut() {
    with_python(|python| {
        let body = "import sys, logging\nprint('ü', 1, end='!')\nprint('e', file=sys.stderr)\nlogging.warning('w %d', 5)\nreturn 1";
        let outcome = run(python, &policy("", body), &call("{}", "{}")).unwrap();
        assert_eq!(outcome.printed, "ü 1!e\nWARNING:root:w 5\n");
        let endless = policy("", "for _ in range(100000): print('é' * 50)\nreturn 1");
        let mut program = compile(python, &endless).unwrap();
        let budget = Budget { output_bytes_max: 1001, ..Budget::default() };
        let outcome = program.run(&call("{}", "{}"), &budget).unwrap();
        assert!(
            outcome.printed.len() <= 1001 && outcome.printed.len() > 990,
            "{}",
            outcome.printed.len()
        );
    });
}

#[test]
fn what_a_run_printed_before_it_failed_is_kept_for_whatever_reason_it_fails() {
    let cases = [
        ("raise ValueError('x')", "ValueError"),
        ("return {1}", "JSON"),
        ("return float('nan')", "JSON"),
        ("return 'x' * 100", "bytes"),
        ("return (lambda f: f(f))(lambda f: f(f))", "deeper"),
        ("raise MemoryError", "memory"),
    ];
    with_python(|python| {
        let budget = Budget { output_bytes_max: 60, ..Budget::default() };
        for (end, message) in cases {
            let code = policy("", &format!("print('looked at', input_data)\n{end}"));
            let mut program = compile(python, &code).unwrap();
            let failure = program.run(&call("{}", "[1]"), &budget).unwrap_err();
            assert!(failure.to_string().contains(message), "{failure}");
            assert_eq!(program.take_printed(), "looked at [1]\n", "{end}");
            assert_eq!(program.take_printed(), "");
        }
        let code = policy("", "print('é' * 50)\nraise ValueError('x')");
        let mut program = compile(python, &code).unwrap();
        program.run(&call("{}", "{}"), &Budget { output_bytes_max: 7, ..budget }).unwrap_err();
        assert_eq!(program.take_printed(), "ééé");
    });
}
