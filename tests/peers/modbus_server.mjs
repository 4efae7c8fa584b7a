// A register server by npm's modbus-serial, with the tables of modbus_server.c: PORT on the command line; says it when it listens.
import modbus from "modbus-serial";

const ADDRESSES = 4000;
const HOLE = [3000, 3010];
const WRITES = 3999;
const ILLEGAL_ADDRESS = { modbusErrorCode: 2, msg: "no such address" };

const table = (start) => Array.from({ length: ADDRESSES }, (_, i) => start(i));
const coils = table((i) => i % 3 === 0);
const discretes = table((i) => i % 2 === 1);
const holding = table((i) => i);
const input = table((i) => 10000 + i);
input[WRITES] = 0;

const at = (values, address) => {
  if (address >= ADDRESSES || (address >= HOLE[0] && address < HOLE[1])) throw ILLEGAL_ADDRESS;
  return values[address];
};
const put = (values, address, value) => {
  at(values, address);
  values[address] = value;
  input[WRITES]++;
};

const port = Number(process.argv[2]);
const server = new modbus.ServerTCP(
  {
    getCoil: (address) => at(coils, address),
    getDiscreteInput: (address) => at(discretes, address),
    getHoldingRegister: (address) => at(holding, address),
    getInputRegister: (address) => at(input, address),
    setCoil: (address, value) => put(coils, address, value),
    setRegister: (address, value) => put(holding, address, value),
  },
  { host: "127.0.0.1", port, debug: false, unitID: 255 },
);
server.on("initialized", () => console.log(port));
server.on("serverError", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.on("socketError", () => {}); // a client that goes is no event
