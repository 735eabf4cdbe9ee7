--  Bitfields whose types are ranges: BTF has no kind for these.
package Adabits is
   type Flags is record
      Level : Integer range 0 .. 7;
      Ready : Boolean;
      Count : Integer range 0 .. 1000;
   end record;
   for Flags use record
      Level at 0 range 0 .. 2;
      Ready at 0 range 3 .. 3;
      Count at 0 range 4 .. 13;
   end record;
   type Row is array (1 .. 4) of Integer range -5 .. 5;
   type Table is record
      Line : Row;
      Last : Integer range 0 .. 9;
   end record;
   One : Flags;
   Two : Table;
end Adabits;
