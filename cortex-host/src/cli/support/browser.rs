//! Shows a report in the user's browser.

use std::path::Path;

use crate::cli::Console;

/// Opens `page` with the program the system has for it. Without one (on a server, say) that is a
/// warning with the path: the report itself is there.
pub(crate) fn show(page: &Path, console: &Console) {
    // Some programs take a relative path as relative to a folder of their own.
    let page = std::path::absolute(page).unwrap_or_else(|_| page.to_owned());
    if open::that_detached(&page).is_err() {
        console.warn(&format!("no browser could be started; open {} in one", page.display()));
    }
}
