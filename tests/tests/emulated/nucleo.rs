//! The Nucleo's real image in QEMU: it starts with and without the ST-Link's clock, computes as this
//! machine, and lives through an overrun.

use cortex_core::kernel::KernelName;
use cortex_tests::emulated::makes_signals_with_truth;
use cortex_tests::nucleo::Nucleo;

use super::pico::blocks_are_equal;

#[test]
fn the_nucleo_computes_as_this_machine_with_or_without_an_external_clock() {
    for hse in [true, false] {
        let Some(board) = Nucleo::start(hse) else { return };
        let mut connection = board.open().expect("the board answers");
        assert_eq!(connection.info().board, "nucleo-f446re");
        for name in KernelName::ALL {
            blocks_are_equal(&mut connection, name).expect("runs");
        }
        makes_signals_with_truth(&mut connection);
        let stats = connection.close().expect("the session ends");
        assert_eq!((stats.damaged_here, stats.damaged_at_device), (0, 0));
    }
}

/// An overrun that nobody cleared would raise its interrupt for ever.
#[test]
fn an_overrun_of_the_nucleo_is_cleared_and_counted() {
    let Some(mut board) = Nucleo::start(true) else { return };
    let mut connection = board.open().expect("the board answers");
    blocks_are_equal(&mut connection, KernelName::Car).expect("runs");
    assert_eq!(connection.stats().device_losses.overruns, 0);
    board.overrun();
    connection.read_losses().expect("the board answers");
    assert_eq!(connection.stats().device_losses.overruns, 1);
    blocks_are_equal(&mut connection, KernelName::Car).expect("runs after an overrun");
}
