// The Pico's real image in an emulated RP2040: what comes on stdin goes to its USB serial port, what
// it sends goes to stdout. Usage: node emulate.cjs IMAGE.uf2 (or .elf), with `npm ci` done in this
// folder.
//
// Ends with 3 when the watchdog resets the board, which it never does to a program that goes on. A
// program that resets itself starts again: its RAM keeps what it holds, and USB begins anew. SIGUSR2
// is a hard fault.

"use strict";
const fs = require("node:fs");
const { RP2040, USBCDC } = require("rp2040js");

const FLASH = 0x10000000;
const VECTORS = FLASH + 0x100;
const CYCLE_NS = 8; // 125 MHz
const HARD_FAULT = 3; // the number of that exception

/**
 * Copies what the UF2 file `view` has for flash into `flash`, as the boot ROM does: blocks of
 * another family, or that do not say one, are refused. Source: the UF2 specification.
 */
function loadUf2(view, flash) {
  const blocks = view.byteLength / 512;
  for (let block = 0; block < blocks; block++) {
    const word = (at) => view.getUint32(512 * block + at, true);
    const right =
      word(0) === 0x0a324655 && word(4) === 0x9e5d5157 && word(508) === 0x0ab16f30 &&
      word(8) === 0x2000 && word(28) === 0xe48bff56 && // a family, the RP2040's
      word(16) === 256 && word(20) === block && word(24) === blocks && word(12) % 256 === 0;
    if (!right) throw new Error(`block ${block} of the UF2 file is wrong`);
    const start = view.byteOffset + 512 * block + 32;
    flash.set(new Uint8Array(view.buffer, start, 256), word(12) - FLASH);
  }
}

/** Copies what the image `bytes`, UF2 or ELF, has for flash into `flash`. */
function load(bytes, flash) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) === 0x0a324655) return loadUf2(view, flash);
  const [headers, size, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  for (let at = headers; at < headers + size * count; at += size) {
    const [type, offset, , address, length] = [0, 4, 8, 12, 16].map((field) => view.getUint32(at + field, true));
    if (type === 1 && length > 0) flash.set(bytes.subarray(offset, offset + length), address - FLASH);
  }
}

/**
 * A boot ROM with the little the firmware asks for: a look-up of functions by a two-letter code that
 * knows "C4", a copy of words; for every other code it has a function that only returns. Written
 * from sections 2.8.2 and 2.8.3 of the RP2040 datasheet.
 */
function bootRom() {
  const rom = new Uint16Array(8 * 1024);
  rom[0x18 / 2] = 0x41; // where the look-up is
  const code = [
    0x4a04, // look-up: ldr r2, ="C4"
    0x4291, // cmp r1, r2
    0xd002, // beq found
    0xa004, 0x3001, // r0 = nothing | 1
    0x4770, // bx lr
    0xa003, 0x3001, // found: r0 = copy | 1
    0x4770, 0x46c0, // bx lr
    0x3443, 0x0000, // "C4"
    0x4770, 0x46c0, // nothing: bx lr
    0x2a00, 0xd005, // copy: until r2 is 0,
    0x680b, 0x6003, // a word from r1 to r0
    0x3004, 0x3104, 0x3a04, // and on by 4
    0xe7f7, 0x4770,
  ];
  rom.set(code, 0x40 / 2);
  return new Uint32Array(rom.buffer);
}

const image = fs.readFileSync(process.argv[2]);
// What waits for the device: the host's bytes, over every start of the board.
const waiting = [];
let board = start(null);
let faulty = false;
process.on("SIGUSR2", () => (faulty = true));

/** A board that has just got power, or was reset and has `sram` from before. */
function start(sram) {
  const mcu = new RP2040();
  mcu.logger = { debug() {}, info() {}, warn() {}, error() {} };
  mcu.loadBootrom(bootRom());
  load(image, mcu.flash);
  if (sram !== null) mcu.sram.set(sram);
  const peripheral = (name) => Object.values(mcu.peripherals).find((one) => one.name === name);
  peripheral("WATCHDOG_BASE").onWatchdogTrigger = () => process.exit(3);
  // An RP2040-B2, which has RP2040-E5 mended: the emulated line does not go through what the
  // workaround for older chips waits for.
  const chip = peripheral("SYSINFO_BASE");
  const read = chip.readUint32.bind(chip);
  chip.readUint32 = (offset) => (offset === 0 ? 0x20002927 : read(offset));

  // The second-stage boot loader would set up the flash chip: the emulated one needs none.
  mcu.core.VTOR = VECTORS;
  mcu.core.reset();

  // rp2040js 1.4.1 leaves the lowest bit of a handler's address in the program counter, where jump
  // tables, which count from there, go wrong.
  const enter = mcu.core.exceptionEntry.bind(mcu.core);
  mcu.core.exceptionEntry = (number) => {
    enter(number);
    mcu.core.PC = (mcu.core.PC & ~1) >>> 0;
  };
  const started = { mcu, connected: false, opened: false, reset: false, give: null };
  // AIRCR, whose bit 2 asks for a reset. Source: Arm DDI 0419, B3.2.6.
  const write = mcu.ppb.writeUint32.bind(mcu.ppb);
  mcu.ppb.writeUint32 = (offset, value) => {
    if (offset !== 0xd0c) return write(offset, value);
    started.reset = started.reset || (value & 4) !== 0;
  };

  const usb = mcu.usbCtrl;
  const serial = new USBCDC(usb);
  serial.onSerialData = (bytes) => {
    if (bytes.length > 0) process.stdout.write(Buffer.from(bytes));
  };
  // The emulator's own reading answers an idle line with empty packets: here the device's request
  // waits for bytes, as a host's does.
  let asked = null;
  started.give = () => {
    if (!started.connected || asked === null || waiting.length === 0) return;
    const packet = waiting[0].subarray(0, asked.size);
    if (packet.length === waiting[0].length) waiting.shift();
    else waiting[0] = waiting[0].subarray(packet.length);
    const { endpoint } = asked;
    asked = null;
    usb.endpointReadDone(endpoint, Uint8Array.from(packet));
    if (waiting.length < 16) process.stdin.resume();
  };
  usb.onEndpointRead = (endpoint, size) => {
    if (endpoint === 0) return; // the end of a control transfer
    asked = { endpoint, size };
    started.give();
  };
  serial.onDeviceConnected = () => {
    started.connected = true;
    started.give();
  };
  return started;
}

// As a host does when a program opens the port: some time after it has configured the device.
const OPENED_NS = 100e6;
process.stdin.on("data", (bytes) => {
  waiting.push(bytes);
  if (waiting.length >= 64) process.stdin.pause();
  board.give();
});
process.stdin.on("end", () => process.exit(0));

function turn() {
  const { core, clock, usbCtrl } = board.mcu;
  if (board.connected && !board.opened && clock.nanos > OPENED_NS) {
    board.opened = true;
    // SET_CONTROL_LINE_STATE, DTR and RTS, to interface 0 (the emulator's own goes to the device).
    usbCtrl.sendSetupPacket(Uint8Array.of(0x21, 0x22, 3, 0, 0, 0, 0, 0));
  }
  if (faulty) {
    faulty = false;
    core.exceptionEntry(HARD_FAULT);
  }
  for (let count = 0; count < 200_000 && !board.reset; count++) {
    if (core.waiting) clock.tick(clock.nanosToNextAlarm);
    else clock.tick(core.executeInstruction() * CYCLE_NS);
  }
  if (board.reset) board = start(board.mcu.sram);
  setImmediate(turn);
}
turn();
