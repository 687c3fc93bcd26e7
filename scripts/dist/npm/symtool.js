#!/usr/bin/env node
// Runs the program of the package that npm has installed for this machine.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

function program() {
  for (const libc of ["glibc", "musl"]) {
    const name = `symtool-${process.platform}-${process.arch}-${libc}`;
    try {
      return require.resolve(`${name}/bin/symtool`);
    } catch {
      // npm installs the one that fits.
    }
  }
  return undefined;
}

const path = program();
if (path === undefined) {
  console.error(
    `symtool: there is no program for ${process.platform} on ${process.arch}; ` +
      "install without --omit=optional, or build symtool from source",
  );
  process.exit(2);
}
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`symtool: ${path}: ${error.message}`);
  process.exit(2);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + constants.signals[signal]);
});
