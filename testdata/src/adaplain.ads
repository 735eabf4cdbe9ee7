--  Members and elements whose types are ranges, and no bitfield.
package Adaplain is
   type Row is array (1 .. 4) of Integer range -5 .. 5;
   type Table is record
      Line : Row;
      Last : Integer range 0 .. 9;
   end record;
   Two : Table;
end Adaplain;
