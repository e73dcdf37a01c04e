listen carillon;
