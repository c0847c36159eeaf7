//! The record of what was promised, `docs/reliability.md`: it is complete, and each test that it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of each row whose first cell is a promise such as `R1` or `S14`.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.filter(|cells| is_promise(&cells[0])).collect()
}

fn is_promise(text: &str) -> bool {
    text.strip_prefix(['R', 'S']).is_some_and(|number| number.parse::<u8>().is_ok())
}

/// What is written as code in a cell.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The source file of a test's module: `reliability::restarts::…` is `tests/integration/reliability/restarts.rs`, and what
/// begins with `server::` is below `src`.
fn file_of(modules: &[&str]) -> Option<PathBuf> {
    let candidates = [root().join("tests/integration"), root().join("src")].into_iter().flat_map(|base| {
        let path: PathBuf = modules.iter().collect();
        // A module `tests` may be in the file of its parent.
        let parent: PathBuf = modules[..modules.len() - 1].iter().collect();
        [base.join(&path).with_extension("rs"), base.join(&path).join("mod.rs"), base.join(parent).with_extension("rs")]
    });
    candidates.into_iter().find(|path| path.is_file())
}

#[test]
fn every_promise_has_a_row_with_a_test_that_exists_and_a_command() {
    let rows = rows();
    let wanted: BTreeSet<String> =
        (1..=19).map(|number| format!("R{number}")).chain((1..=14).map(|number| format!("S{number}"))).collect();
    let found: BTreeSet<String> = rows.iter().map(|cells| cells[0].clone()).collect();
    assert_eq!(found, wanted);
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for cells in rows {
        let [promise, _what, tests, command, figure] = cells.as_slice() else { panic!("five cells: {cells:?}") };
        let mut named = 0;
        for test in code(tests) {
            let parts: Vec<&str> = test.split("::").collect();
            let (name, modules) = parts.split_last().unwrap();
            let file = file_of(modules).unwrap_or_else(|| panic!("{promise}: no file for {test}"));
            let text = fs::read_to_string(&file).unwrap();
            let place = text
                .find(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("{promise}: {test} is not in {}", file.display()));
            let attributes = text[..place].rsplit("\n\n").next().unwrap();
            assert!(
                attributes.contains("#[test]") || attributes.contains("::test]") || text.contains("proptest!"),
                "{promise}: {test} is no test"
            );
            named += 1;
        }
        assert!(named > 0, "{promise} names no test");
        let target = code(command).find_map(|command| command.strip_prefix("make "));
        let target = target.unwrap_or_else(|| panic!("{promise} names no command"));
        let target = target.split(' ').next().unwrap();
        assert!(makefile.contains(&format!("\n{target}:")), "{promise}: there is no `make {target}`");
        assert!(!figure.is_empty(), "{promise} has no figure");
    }
}
